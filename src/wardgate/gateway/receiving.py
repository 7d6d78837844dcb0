"""The request's body on its way in: framed strictly, bounded, held back where nobody can take it yet."""

from __future__ import annotations

from abc import abstractmethod

from wardgate.domain.headers import cgi_name
from wardgate.domain.rejection import Rejection
from wardgate.gateway.answering import BUSY, DISCARD, GONE, Answering
from wardgate.gateway.chunked import ChunkDecoder, ChunkError, encode, last_chunk

#: Bytes held back: of pipelined requests, and of a body that no upstream takes yet.
PIPELINE = 64 * 1024
#: Bytes of a refused request's body that are read off to keep the connection.
_DISCARD_LIMIT = 256 * 1024
#: Pieces of a body that waits are joined up to this size.
_SMALL = 4096


class Receiving(Answering):
    """The body side of a client connection."""

    def __init__(self) -> None:
        super().__init__()
        #: What was received and belongs to no request yet.
        self.buffer = b""
        self.reading_paused = False
        self.body_open = False
        self.bytes_in = 0
        self.upstream = None
        self._body_left = 0
        self._decoder: ChunkDecoder | None = None
        self._pending: list[bytes] = []
        self._trailers: list[bytes] = []

    def _keep(self, data: bytes) -> None:
        """Holds back what follows the request in flight; past a bound the client must wait."""
        self.buffer = self.buffer + data if self.buffer else data
        if len(self.buffer) > PIPELINE:
            self._pause_reading()

    def _body(self, data: bytes) -> None:
        decoder = self._decoder
        if decoder is None:
            left = self._body_left
            if len(data) > left:
                self._keep(data[left:])
                data = data[:left]
            self._body_left = left - len(data)
            done = self._body_left == 0
            pieces = [data]
        else:
            try:
                pieces = decoder.feed(data)
            except ChunkError:
                self._body_failed("framing_ambiguous")
                return
            done = decoder.done
            if done:
                self._trailers = self._without_secrets(decoder.trailers)
                if decoder.rest:
                    self._keep(decoder.rest)
        self.bytes_in += sum(map(len, pieces))
        if done:
            self.body_open = False
            self._decoder = None
        if self.state == DISCARD:
            if done:
                self._next()
            elif self.bytes_in > _DISCARD_LIMIT:
                self._linger()
            return
        matched = self.matched
        if matched is not None and matched.resource is not None and self.bytes_in > matched.resource.max_body:
            self._body_failed("body_too_large")
            return
        out = pieces[0] if decoder is None else encode(pieces) + (last_chunk(self._trailers) if done else b"")
        if self.upstream is not None:
            self.upstream.send_body(out, done=done)
        elif self.state == BUSY:
            pending = self._pending
            if pending and len(pending[-1]) + len(out) <= _SMALL:
                # So that a client which sends byte by byte cannot make a long list to be summed up at each of them.
                pending[-1] += out
            else:
                pending.append(out)
            if sum(map(len, pending)) > PIPELINE:
                self._pause_reading()

    def _without_secrets(self, trailers: list[bytes]) -> list[bytes]:
        """What may be forwarded: a key is no more for the upstream in a trailer than in a header, and no copy of a header
        that its API sends, or that names its version."""
        matched = self.matched
        if not trailers or matched is None or matched.resource is None or matched.mounted is None:
            return trailers
        resource = matched.resource
        read = {*matched.mounted.revealed.names}
        if resource.key_place == "header":
            read.add(cgi_name(resource.key_name))
        versioning = matched.mounted.api.versioning
        if versioning is not None:
            read.add(cgi_name(versioning.field.lower().encode()))
        return [line for line in trailers if cgi_name(line.partition(b":")[0].lower()) not in read]

    def _body_failed(self, reason: str) -> None:
        """The body cannot be taken: the upstream must not see it as whole, and the connection ends."""
        self.keep_alive = False
        if self.state == DISCARD:
            self._linger()
            return
        self.body_open = False
        self._abandon()
        if self.answer_started:
            self.finish(499, reason, cut=True)
        else:
            self.reject(Rejection.of(reason))

    def _pause_reading(self) -> None:
        if not self.reading_paused and self.state != GONE:
            self.reading_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self.reading_paused and self.state != GONE:
            self.reading_paused = False
            self.transport.resume_reading()

    def pause_sending(self) -> None:
        """The upstream takes no more for now."""
        self._pause_reading()

    def resume_sending(self) -> None:
        """The upstream takes more again."""
        if len(self.buffer) <= PIPELINE:
            self._resume_reading()

    def body_late(self) -> None:
        """The request's body stopped coming."""
        self._body_failed("request_timeout")

    # -- what the connection provides

    @abstractmethod
    def _abandon(self) -> None:
        """Lets go of the upstream connection."""

    @abstractmethod
    def _next(self) -> None:
        """Ready for the next request."""

    @abstractmethod
    def _linger(self) -> None:
        """Closes gently."""
