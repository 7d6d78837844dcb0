"""What a child is told at its start."""

from __future__ import annotations

import pytest

from wardgate.domain.settings import Bounds, Certificate, Listener, ServerSettings
from wardgate.gateway.launch import InheritedSocket, Launch, LaunchError, load


def test_a_launch_survives_the_pipe() -> None:
    """Every setting reaches the child as it was."""
    launch = Launch(
        settings=ServerSettings(
            listeners=(Listener(port=1), Listener(host="::1", port=2, tls=True)),
            certificates=(Certificate(certificate="a.pem", key="a.key"),),
            trusted_proxies=("10.0.0.0/8",),
            forwarded_header="forwarded",
            bounds=Bounds(idle_timeout=1.5),
        ),
        sockets=(InheritedSocket(fd=7, listener=Listener(port=1)),),
        index=3,
    )
    assert load(launch.dump()) == launch


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "holds no JSON document"),
        (b"[]", "expected the fields of Launch"),
        (b'{"settings": {"listeners": []}, "extra": 1}', "unknown field 'extra'"),
        (b'{"settings": {"wrokers": 1}}', "settings: unknown field 'wrokers'"),
    ],
)
def test_what_no_supervisor_wrote_is_refused(text: bytes, said: str) -> None:
    """A process started by hand says so and names what is wrong."""
    with pytest.raises(LaunchError, match="started by `wardgate serve`") as refused:
        load(text)
    assert said in str(refused.value)
