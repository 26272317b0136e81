"""Names across the files: what is there twice, and what is named but not there.

Checks what is written, so that entries with other mistakes are checked, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from exporter.config.errors import Mistake, quoted
from exporter.config.reading.source import Document
from exporter.marked import Mapping, Sequence
from exporter.slo.model import DEFAULT_DATASOURCE
from exporter.slo.policy import DEFAULT_POLICY


def same_names(documents: list[Document]) -> Iterator[Mistake]:
    """SLOs that have the service and the name of one before."""
    first: dict[tuple[str, str], str] = {}
    for document in documents:
        for index, service, name in _slos(document):
            place = document.place(("slos", index))
            taken_by = first.setdefault((service, name), place)
            if taken_by != place:
                message = f"{quoted(name)} is already the name of an SLO of {quoted(service)}: "
                yield document.mistake(("slos", index, "name"), message + taken_by)


def unknown_names(documents: list[Document], *, all_read: bool) -> Iterator[Mistake]:
    """Services and SLOs that maintenance windows name, but that no file within reach has.

    Unless all files have been read, what the main file names cannot be checked.
    """
    for document in documents:
        is_main = document is documents[0]
        if is_main and not all_read:
            continue
        slos = [slo for each in (documents if is_main else [document]) for slo in _slos(each)]
        known = {
            "services": list(dict.fromkeys(service for _, service, _ in slos)),
            "slos": [f"{service}/{name}" for _, service, name in slos],
        }
        for path, name in _reached(document):
            names = known[path[2]]
            if names and name not in names:
                kind = "a service" if path[2] == "services" else "an SLO"
                what = f"{quoted(name)} is not {kind} of {'any' if is_main else 'this'} file"
                yield document.mistake(path, f"{what}, {known_names(name, names)}")


def unknown_datasources(documents: list[Document]) -> Iterator[Mistake]:
    """Datasources that SLOs and `changes` name, but the main file does not have."""
    named = documents[0].values.get("datasources")
    known = [DEFAULT_DATASOURCE, *(named if isinstance(named, Mapping) else ())]
    changes = documents[0].values.get("changes")
    if isinstance(changes, Mapping):
        name = changes.get("datasource")
        if isinstance(name, str) and name not in known:
            message = f"{quoted(name)} is not a datasource, {known_names(name, known)}"
            yield documents[0].mistake(("changes", "datasource"), message)
    for document in documents:
        for index, slo in entries(document, "slos"):
            name = slo.get("datasource")
            if isinstance(name, str) and name not in known:
                message = f"{quoted(name)} is not a datasource, {known_names(name, known)}"
                yield document.mistake(("slos", index, "datasource"), message)


def same_policies(main: Document) -> Iterator[Mistake]:
    """Policies that have the name of one before, and services that two of them name."""
    names: dict[str, str] = {}
    services: dict[str, str] = {}
    for index, policy in entries(main, "policies"):
        place = main.place(("policies", index))
        name = policy.get("name")
        if isinstance(name, str) and names.setdefault(name, place) != place:
            message = f"{quoted(name)} is already the name of a policy: {names[name]}"
            yield main.mistake(("policies", index, "name"), message)
        for at, service in _texts(policy, "services"):
            if services.setdefault(service, place) != place:
                message = f"{quoted(service)} has a policy already: {services[service]}"
                yield main.mistake(("policies", index, "services", at), message)


def unknown_policies(documents: list[Document], *, all_read: bool) -> Iterator[Mistake]:
    """Policies that SLOs name, and services that policies name, but that are not there."""
    main = documents[0]
    names = [policy.get("name") for _, policy in entries(main, "policies")]
    known = [DEFAULT_POLICY.name, *(name for name in names if isinstance(name, str))]
    for document in documents:
        for index, slo in entries(document, "slos"):
            name = slo.get("policy")
            if isinstance(name, str) and name not in known:
                message = f"{quoted(name)} is not a policy, {known_names(name, known)}"
                yield document.mistake(("slos", index, "policy"), message)
    services = list(dict.fromkeys(service for each in documents for _, service, _ in _slos(each)))
    for index, policy in entries(main, "policies") if all_read and services else ():
        for at, service in _texts(policy, "services"):
            if service not in services:
                words = f"{quoted(service)} is not a service of any file, "
                message = words + known_names(service, services)
                yield main.mistake(("policies", index, "services", at), message)


def known_names(name: str, known: list[str]) -> str:
    """What may be meant by a name that is not there."""
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {quoted(close[0])}?"
    return f"there are {', '.join(map(quoted, known[:10]))}{', ...' if len(known) > 10 else ''}"


def _reached(document: Document) -> Iterator[tuple[tuple[str, int, str, int], str]]:
    for index, window in entries(document, "maintenance"):
        for key in ("services", "slos"):
            for place, name in _texts(window, key):
                yield ("maintenance", index, key, place), name


def _texts(section: Mapping, key: str) -> Iterator[tuple[int, str]]:
    """The texts of a list, with their places."""
    names = section.get(key)
    for place, name in enumerate(names if isinstance(names, Sequence) else []):
        if isinstance(name, str):
            yield place, name


def _slos(document: Document) -> Iterator[tuple[int, str, str]]:
    """Index, service and name of the SLOs that have both."""
    for index, slo in entries(document, "slos"):
        service, name = slo.get("service"), slo.get("name")
        if isinstance(service, str) and isinstance(name, str):
            yield index, service, name


def entries(document: Document, key: str) -> Iterator[tuple[int, Mapping]]:
    """The mappings of a list at the top of a document, with their indices."""
    found = document.values.get(key)
    for index, entry in enumerate(found if isinstance(found, Sequence) else []):
        if isinstance(entry, Mapping):
            yield index, entry


def no_slos(documents: list[Document], mistakes: list[Mistake]) -> Iterator[Mistake]:
    """That there is no SLO, unless other mistakes explain it."""
    main = documents[0]
    explained = any(
        mistake.file != main.file or mistake.key.startswith("slo") for mistake in mistakes
    )
    if not explained and not any(document.values.get("slos") for document in documents):
        yield main.mistake((), "no SLO is defined: give slos, or slo_files that hold some")
