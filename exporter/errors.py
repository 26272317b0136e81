"""Every error that the exporter raises on purpose, as one tree.

ExporterError
├── ConfigurationError          a file or a flag has to be changed
│   ├── ConfigError             the configuration file has mistakes
│   ├── DriverAbsentError       the package that speaks to PostgreSQL is not installed
│   ├── JournalError            the journal of experiments cannot be kept, or read
│   │   └── UnderWayError       another experiment is under way on this machine
│   ├── ListenError             the address cannot be listened on
│   ├── ReloadError             a reload was refused; the old configuration stays in force
│   ├── ReportTemplateError     a template of a report cannot be used
│   ├── SettingsError           no client for a datasource can be made from the settings
│   ├── SpecError               another tool's spec cannot be taken over
│   ├── StuckError              a file does not answer, or takes too long
│   ├── UnitError               what a query counts in is not known, or not one
│   └── WebSettingsError        the web configuration has mistakes
├── DatasourceError             a datasource does not give what it is asked for
│   ├── PrometheusError         a query was not answered
│   │   ├── QueryRefusedError   Prometheus will not, or cannot, run this query
│   │   └── UnavailableError    no answer, or none from a Prometheus: try again later
│   │       └── TimedOutError   no answer in time
│   └── SliError                the answer does not fit the SLI
├── StoreError                  something cannot be stored, or read back
│   ├── DamagedChunkError       the bytes are not those that were written
│   ├── NotARecordError         a damaged file has no record in this place
│   ├── StoreInUseError         another daemon uses the store
│   ├── StoreLostError          what was stored is gone
│   └── StoreVersionError       a newer version, or another program, wrote the file
├── RequestError                an HTTP request cannot be met: the client has to change it
│   ├── AbsentError             what the request names does not exist
│   ├── BusyError               too many passwords are being checked
│   ├── CannotLeadError         the shard that the request is for cannot be asked
│   ├── ChangeError             the change is not possible
│   ├── GoneError               the client closed the connection during its request
│   ├── HistoryError            the history cannot be written as it was asked for
│   ├── InvalidRequestError     a parameter or the body is not as it should be
│   ├── OverrideError           the override is not possible
│   ├── QuotaError              the service has used all its overrides of the quarter
│   ├── ReportError             there is nothing to report: no such SLO, incident or time
│   ├── SpanError               a span of time or a time zone is not as it should be
│   └── TooManyChangesError     the service has had all changes that are kept of one day
├── ApiError                    the command line got no usable answer from a daemon
│   ├── ElsewhereError          another shard has it
│   ├── NoDaemonError           no daemon runs here, or not one alone
│   └── UnhealthyError          the daemon on this machine does not answer as it should
└── ServerError                 a program that the demo needs did not do what it should
    └── BinaryNotFoundError     the program was not found

The root and the branches are here; each of the others is where it is raised. The command line turns
any of them into a message and exit code 1, and the HTTP API turns a RequestError into an answer of
400 or above. Any other exception is a fault of the exporter itself: a traceback, and over HTTP
a 500.
"""

from __future__ import annotations


class ExporterError(Exception):
    """Anything that the exporter raises on purpose; the text is for its user."""


class ConfigurationError(ExporterError):
    """The exporter was configured in a way that cannot work: a file or a flag has to be changed."""


class DatasourceError(ExporterError):
    """A datasource does not give what it is asked for."""


class StoreError(ExporterError):
    """Something cannot be stored, or read back."""


class RequestError(ExporterError):
    """An HTTP request cannot be met: the client has to change it, or to come back later."""


class ApiError(ExporterError):
    """A daemon gave no usable answer; the text says which one, and why."""
