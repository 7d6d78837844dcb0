"""The options of ``wardgate serve``."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.certificates import Authority
from tests.web.test_secret_scanning import PRIVATE, document, pem_of

from wardgate.cli import main as cli
from wardgate.cli.bounds import BoundOptions
from wardgate.domain.settings import AlsoServed, Bounds, Certificate, Listener, ServerSettings
from wardgate.supervisor import main as supervisor


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerSettings]:
    """The settings the supervisor would be started with."""
    taken: list[ServerSettings] = []
    monkeypatch.setattr(supervisor, "serve", lambda settings, say: taken.append(settings))
    return taken


def _other_bounds() -> dict[str, Any]:
    """A value for each bound that is not its default."""
    numbered = enumerate(fields(Bounds), 11)
    return {field.name: float(i) if "timeout" in field.name else i for i, field in numbered}


def test_without_options_the_defaults_hold(served: list[ServerSettings]) -> None:
    """`wardgate serve` alone serves loopback from ./wardgate-data."""
    assert cli.main(["serve"]) == 0
    assert served == [replace(ServerSettings(), data_dir="wardgate-data")]


def test_every_setting_is_an_option(served: list[ServerSettings], tmp_path: Path) -> None:
    """No field of the settings or the bounds is out of reach of the command line."""
    for name in ("chain.pem", "chain.key"):
        (tmp_path / name).touch()
    ca = Authority(tmp_path).ca_file
    (tmp_path / "github-keys.json").write_text(document(one=pem_of(PRIVATE)))
    wanted = ServerSettings(
        data_dir=str(tmp_path),
        environment="production",
        also=(AlsoServed(name="staging"), AlsoServed(name="development")),
        listeners=(
            Listener(port=1, environment="staging"),
            Listener(host="0.0.0.0", port=2),
            Listener(host="::1", port=3, tls=True),
        ),
        control=Listener(host="10.0.0.1", port=4),
        workers=5,
        certificates=(Certificate(certificate=str(tmp_path / "chain.pem"), key=str(tmp_path / "chain.key")),),
        trusted_proxies=("10.0.0.0/8", "::1/128"),
        proxy_protocol=True,
        forwarded_header="forwarded",
        access_log="-",
        bounds=Bounds(**_other_bounds()),
        credential_cache=6,
        negative_cache=7,
        max_staleness=480.0,
        issuer="https://api.example.com:8443",
        client_ca=str(ca),
        outbound_allow=("10.0.0.0/8", "fd00::/8"),
        smtp="smtps://mailer@mail.example.com:465",
        mail_from="api@example.com",
        open_signup=True,
        open_registration=True,
        secret_scanning_keys=str(tmp_path / "github-keys.json"),
    )
    default = ServerSettings()
    assert not [f.name for f in fields(wanted) if getattr(wanted, f.name) == getattr(default, f.name)]
    options: list[Any] = [
        "serve",
        "--data-dir",
        tmp_path,
        "--environment",
        "production",
        "--environment",
        "staging,development",
        "--listen",
        "1@staging",
        "--listen",
        ":2",
    ]
    options += ["--tls-listen", "[::1]:3", "--control", "10.0.0.1:4", "--workers", 5]
    options += ["--certificate", tmp_path / "chain.pem", "--key", tmp_path / "chain.key"]
    options += ["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "::1", "--proxy-protocol"]
    options += [
        "--forwarded-header",
        "forwarded",
        "--access-log",
        "-",
        "--credential-cache",
        6,
        "--negative-cache",
        7,
    ]
    options += ["--max-staleness", "8m", "--issuer", wanted.issuer, "--client-ca", ca]
    options += ["--outbound-allow", "10.0.0.0/8", "--outbound-allow", "fd00::/8"]
    options += ["--secret-scanning-keys", tmp_path / "github-keys.json"]
    options += [
        "--smtp",
        wanted.smtp,
        "--mail-from",
        wanted.mail_from,
        "--open-signup",
        "--open-registration",
    ]
    for field in fields(Bounds):
        options += [f"--{field.name.replace('_', '-')}", getattr(wanted.bounds, field.name)]
    assert cli.main([str(option) for option in options]) == 0
    assert served == [wanted]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--environment", "a,b,a"], "names one twice, or none"),
        (["--environment", "a,,b"], "names one twice, or none"),
        (["--environment", "a", "--listen", "8080@b"], "bound to 'b', which is not served"),
        (["--listen", "8080@"], "names no environment"),
        (["--control", "8081@development"], "--control serves every environment"),
    ],
)
def test_environments_that_cannot_be_told_apart_are_refused(
    served: list[ServerSettings], capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    """Named twice, not at all, or bound to a listener without being served."""
    assert cli.main(["serve", *options]) != 0
    assert not served
    assert words in capsys.readouterr().err


def test_the_bounds_have_their_defaults() -> None:
    """The options of the bounds are exactly the bounds, with the same defaults."""
    assert BoundOptions().bounds() == Bounds()


def test_the_environment_sets_what_the_command_line_does_not(
    served: list[ServerSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """WARDGATE_* variables stand for options, and an option wins over its variable."""
    monkeypatch.setenv("WARDGATE_WORKERS", "3")
    monkeypatch.setenv("WARDGATE_IDLE_TIMEOUT", "2m")
    monkeypatch.setenv("WARDGATE_ENVIRONMENT", "staging")
    assert cli.main(["serve", "--environment", "production"]) == 0
    assert (served[0].workers, served[0].bounds.idle_timeout, served[0].environment) == (
        3,
        120.0,
        "production",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tls-listen", "8443"], "without a certificate. Add --certificate"),
        (["--certificate", "a.pem"], "1 --certificate and 0 --key were given"),
        (["--certificate", "a.pem", "--key", "a.key"], "a.pem is no file"),
        (["--listen", "host"], "--listen: 'host' is no address"),
        (["--trusted-proxy", "10.0.0.1/8"], "--trusted-proxy '10.0.0.1/8': 10.0.0.1/8 has host bits set"),
        (["--proxy-protocol"], "without --trusted-proxy"),
        (["--workers", "-1"], "--workers -1"),
        (
            ["--issuer", "http://api.example.com"],
            "it must start with https://; plain http reaches this machine",
        ),
        (
            ["--issuer", "https://api.example.com/"],
            "--issuer cannot be used: it ends with a slash. Write https",
        ),
        (["--issuer", "https://api.example.com/auth"], "--issuer cannot be used: it holds a path"),
        (["--issuer", "https://api.example.com?x"], "--issuer cannot be used: it holds a query"),
        (["--issuer", "https://api.example.com#x"], "--issuer cannot be used: it holds a fragment"),
        (["--issuer", "https://API.example.com"], "--issuer cannot be used: it is not in lower case"),
        (["--issuer", "https://api.example.com:443"], "it names the port 443, which goes without saying"),
        (["--issuer", "https://u:p@api.example.com"], "it holds a user name or password"),
        (["--issuer", "api.example.com"], "it must start with https://"),
        (["--outbound-allow", "10.0.0.1/8"], "--outbound-allow '10.0.0.1/8': 10.0.0.1/8 has host bits set"),
        (["--client-ca", "nowhere.pem"], "--client-ca nowhere.pem cannot be used: No such file or directory"),
        (["--client-ca", __file__], "cannot be used: it holds no certificate"),
        (["--smtp", "mail.example.com"], "--smtp cannot be used: it is no URL of a mail server"),
        (["--smtp", "smtps://u:p@mail.example.com"], "or holds a password"),
        (["--mail-from", "nobody"], "--mail-from 'nobody' is no address"),
    ],
)
def test_wrong_options_are_refused(
    served: list[ServerSettings], capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    """A setting that cannot work ends with status 1 and says which and what would do."""
    assert cli.main(["serve", *options]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "u:p" not in error
    assert served == []


def test_client_certificates_need_a_tls_listener(
    served: list[ServerSettings], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An authority that nothing could ever ask for is refused."""
    ca = Authority(tmp_path).ca_file
    assert cli.main(["serve", "--client-ca", str(ca)]) == 1
    assert "--client-ca was given without --tls-listen" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]", "https://api.example.com"]
)
def test_an_issuer_without_tls_is_for_this_machine(served: list[ServerSettings], url: str) -> None:
    """Loopback may do without TLS, and a usual issuer is taken as it is."""
    assert cli.main(["serve", "--issuer", url]) == 0
    assert served[0].issuer == url


def test_options_that_are_not_understood_are_usage_errors(
    served: list[ServerSettings], capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown option, or a value of the wrong form, ends with status 2."""
    assert cli.main(["serve", "--wrokers", "2"]) == 2
    assert "--wrokers" in capsys.readouterr().err
    assert cli.main(["serve", "--idle-timeout", "long"]) == 2
    assert "'long' is no duration" in capsys.readouterr().err.replace("\n", " ")
    assert served == []
