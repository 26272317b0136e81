"""The command's options, and what it says of those that cannot be used."""

import pytest

from exporter.demo.ports import free_port
from tests.helpers.command_line import cli

URL = "--prometheus.url=http://localhost:9090"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing option '--prometheus.url'"),
        (["--prometheus.url=localhost:9090"], "prometheus.url: must be an http or https URL"),
        (["--prometheus.url=http://a:b@c"], "prometheus.url: "),
        ([URL, "--match=rate(x[5m])"], "rate(x[5m]): must be a plain selector"),
        ([URL, "--match={"], "{: is not PromQL"),
        ([URL, "--last=5"], "'5' is not a duration"),
        ([URL, "--last=1m"], "must be between 1h and 400d, not 1m"),
        ([URL, "--least-history=1s"], "must be between 5m and 400d, not 1s"),
        ([URL, "--password-file=x"], "--password-file needs --username"),
        ([URL, "--username=me"], "prometheus.basic_auth: "),
        ([URL, "--bearer-token-file=/no/such/file"], "prometheus.bearer_token_file: "),
        ([URL, "--ca-file=/no/such/file"], "prometheus.tls_config.ca_file: "),
        ([URL, "--cert-file=pyproject.toml"], "prometheus.tls_config"),
        ([URL, "--header=X-Scope-OrgID"], "'X-Scope-OrgID': write NAME: VALUE"),
        ([URL, "--timeout=never"], "prometheus.timeout: 'never' is not a duration"),
    ],
)
def test_mistakes_in_options(arguments, words):
    """Each is named, with what would be right."""
    done = cli("suggest", *arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())


def test_a_prometheus_that_is_not_there():
    """A message, and no traceback."""
    url = f"http://127.0.0.1:{free_port()}"
    done = cli("suggest", f"--prometheus.url={url}")
    assert done.exit_code == 1
    assert f"no names from {url}" in done.output
