"""``python -m examples.demo`` (``make run``): a gateway before two real APIs, with a key and a client to try it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from examples.demo.processes import (
    DemoError,
    Started,
    free_port,
    start_gateway,
    start_httpbin,
    start_orders,
)

if TYPE_CHECKING:
    from examples.demo.content import Credentials

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = "development"
HTTP, HTTPS, CONTROL, ORDERS, HTTPBIN = 8080, 8443, 8081, 9000, 9001
#: Seconds the gateway gets to drain, and the APIs behind it to stop.
DRAIN_SECONDS, STOP_SECONDS = 40.0, 5.0


def main() -> int:
    """Runs the demo until Ctrl-C; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument(
        "--data-dir", type=Path, default=Path("wardgate-data"), help="where the store is kept"
    )
    parser.add_argument("--port", type=int, default=HTTP, help="the gateway's port for plain HTTP")
    parser.add_argument("--tls-port", type=int, default=HTTPS, help="its port for HTTPS")
    parser.add_argument("--control-port", type=int, default=CONTROL, help="the port of metrics and health")
    parser.add_argument("--workers", type=int, default=0, help="gateway processes; 0 means one for each CPU")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    demo = Demo(options.data_dir, options.workers)
    try:
        demo.start(options.port, options.tls_port, options.control_port)
        demo.watch()
    except KeyboardInterrupt:
        print("\nstopping: requests under way are finished ...", flush=True)
        return demo.stop()
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        demo.stop()


class Demo:
    """All that runs: the two APIs and the gateway."""

    def __init__(self, data_dir: Path, workers: int) -> None:
        self._data_dir = data_dir
        self._workers = workers
        self._logs = data_dir / "demo" / "logs"
        self._apis: list[Started] = []
        self._gateway: Started | None = None
        self._metrics = ""

    def start(self, http: int, https: int, control: int) -> None:
        """Everything runs and how to use it was printed.

        All processes start at once; meanwhile this one fills the store, which the running gateway takes up.
        """
        began = time.monotonic()
        self._refuse_a_second_one()
        self._logs.mkdir(parents=True, exist_ok=True)
        orders_port, httpbin_port = free_port(ORDERS), free_port(HTTPBIN)
        orders = start_orders(orders_port, self._logs, ROOT)
        self._apis.append(orders)
        httpbin = start_httpbin(httpbin_port, self._logs)
        self._apis.append(httpbin)
        ports = [free_port(port) for port in (http, https, control)]
        for name, wanted, got in zip(
            ("HTTP", "HTTPS", "control"), (http, https, control), ports, strict=True
        ):
            if wanted != got:
                print(f"port {wanted} is taken: {name} is at port {got}", flush=True)
        authority = self._start_gateway(*ports)
        httpbin_url, orders_url = f"http://127.0.0.1:{httpbin_port}", f"http://127.0.0.1:{orders_port}"
        from examples.demo import content  # slow to import: by now the other processes start

        documents = self._data_dir / "demo"
        bases = content.write_documents(
            documents,
            ROOT / "examples" / "orders",
            httpbin_url,
            httpbin.answers(f"{httpbin_url}/spec.json"),
            orders_url,
        )
        shown = asyncio.run(content.fill_store(self._data_dir, documents))
        orders.answers(f"{orders_url}/health")
        self._wait_for_gateway(f"http://127.0.0.1:{ports[0]}", shown.key, bases)
        if self._gateway is not None:
            self._gateway.answers(f"http://127.0.0.1:{ports[2]}/livez")  # it issues the tokens
        self._metrics = f"http://127.0.0.1:{ports[2]}/metrics"
        self._introduce(ports, shown, bases, authority, time.monotonic() - began)

    def _refuse_a_second_one(self) -> None:
        """Raises DemoError when a gateway already runs on this data: its store must not be changed under it."""
        from wardgate.supervisor.state import AlreadyServingError, serving

        try:
            with serving(self._data_dir, ENVIRONMENT):
                return
        except AlreadyServingError as error:
            raise DemoError(str(error)) from error

    def _start_gateway(self, http: int, https: int, control: int) -> Path:
        """Starts the gateway; the certificate of the local authority that clients need to trust."""
        from wardgate.gateway.local_ca import make_local_ca

        certificate, authority = make_local_ca(self._data_dir / "tls", ["localhost", "127.0.0.1"])
        arguments = ["--data-dir", str(self._data_dir), "--workers", str(self._workers)]
        arguments += ["--listen", f"127.0.0.1:{http}", "--tls-listen", f"127.0.0.1:{https}"]
        arguments += ["--certificate", certificate.certificate, "--key", certificate.key]
        arguments += ["--control", f"127.0.0.1:{control}", "--issuer", f"https://localhost:{https}"]
        self._gateway = start_gateway(arguments, self._logs)
        return authority

    def _wait_for_gateway(self, url: str, key: str, bases: Sequence[str]) -> None:
        """The gateway serves both APIs, key included."""
        import urllib.error
        import urllib.request

        deadline = time.monotonic() + 20
        for path in (f"{bases[0]}/items", f"{bases[1]}/get"):
            request = urllib.request.Request(url + path, headers={"X-API-Key": key})
            while True:
                if self._gateway is not None:
                    self._gateway.check()
                try:
                    urllib.request.urlopen(request, timeout=5).close()
                    break
                except (urllib.error.URLError, OSError) as error:
                    if isinstance(error, urllib.error.HTTPError):
                        error.close()
                    if time.monotonic() > deadline:
                        raise DemoError(
                            f"the gateway does not serve {path}: {error}; see {self._logs}"
                        ) from error
                time.sleep(0.03)

    def _introduce(
        self, ports: Sequence[int], shown: Credentials, bases: Sequence[str], authority: Path, seconds: float
    ) -> None:
        url, header = f"http://127.0.0.1:{ports[0]}", f"-H 'X-API-Key: {shown.key}'"
        token = f"curl -s -u {shown.client_id}:{shown.client_secret} -d grant_type=client_credentials {url}/oauth2/token"
        read = 'sed \'s/.*access_token": *"//; s/".*//\''
        orders, httpbin = bases
        count = "-s -o /dev/null -w '%{http_code}\\n'"
        print(
            f"""
Wardgate protects two APIs (started in {seconds:.1f} s):

  {url}{orders}   the example orders API, plan free: 100 a minute, 5 a second
  {url}{httpbin}  httpbin, imported from its own Swagger 2.0 document
  https://localhost:{ports[1]} serves the same over TLS (curl --cacert {authority})
  http://127.0.0.1:{ports[2]}/metrics has its metrics; documents and logs are in {self._data_dir / "demo"}

demo key: {shown.key}

200  curl -i {header} {url}{httpbin}/get
401  curl -i {url}{orders}/items
429  for i in $(seq 60); do curl {count} {header} {url}{orders}/items & done | sort | uniq -c

With OAuth 2.0, which httpbin takes as well: get a token, and call with it.

token  TOKEN=$({token} | {read})
call   curl -i -H "Authorization: Bearer $TOKEN" {url}{httpbin}/get

Ctrl-C stops everything.
""",
            flush=True,
        )

    def watch(self) -> NoReturn:
        """Prints a status line every second until interrupted. Raises DemoError when the gateway ends."""
        from examples.demo.status import Figures, StatusPrinter, read_figures, status_line

        printer = StatusPrinter()
        before: Figures | None = None
        stopped: set[str] = set()
        while True:
            if self._gateway is not None:
                self._gateway.check()
            for api in self._apis:
                if api.process.poll() is not None and api.name not in stopped:
                    stopped.add(api.name)
                    printer.note(f"{api.name} has ended with status {api.process.returncode}; see {api.log}")
            now = read_figures(self._metrics)
            if now is None:
                printer.show("control does not answer; the gateway goes on")
            elif before is not None:
                printer.show(status_line(before, now))
            before = now or before
            time.sleep(1.0)

    def stop(self) -> int:
        """Everything has ended, the gateway first and drained; its exit status. A further Ctrl-C kills what is left."""
        status = 0
        with contextlib.suppress(KeyboardInterrupt):
            if self._gateway is not None:
                self._gateway.stop(DRAIN_SECONDS)
                status = self._gateway.process.returncode
            for api in self._apis:
                api.stop(STOP_SECONDS)
        for started in (self._gateway, *self._apis):
            if started is not None and started.process.poll() is None:
                started.process.kill()
                started.process.wait()
                status = 1
        return status


if __name__ == "__main__":
    sys.exit(main())
