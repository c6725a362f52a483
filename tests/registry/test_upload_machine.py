"""Uploads against a model: whatever is tried in whatever order, the upload is what the model says."""

import uuid

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test

from registry.models import Upload
from registry.oci.names import digest_of
from tests.registry.client import HANG_UP
from tests.registry.conftest import BASE, expect

DATA = st.binary(max_size=300)
ALGORITHMS = st.sampled_from(["sha256", "sha512"])
BOUNDS = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_uploads_keep_to_the_model(new_instance, store_dir):
    instances = [new_instance(), new_instance()]
    run_state_machine_as_test(lambda: Uploads(instances, store_dir), settings=BOUNDS)


class Model:
    """What an upload should be."""

    def __init__(self, url):
        self.url = url
        self.data = b""

    @property
    def range(self):
        return f"0-{max(len(self.data) - 1, 0)}"


class Uploads(RuleBasedStateMachine):
    """Every request goes to one of two instances, as the rule's `at` says."""

    sessions = Bundle("sessions")
    ended = Bundle("ended")
    at = st.integers(0, 1)

    def __init__(self, instances, store_dir):
        super().__init__()
        self.instances = instances
        self.store_dir = store_dir

    def assert_stands(self, session, at):
        answer = expect(self.instances[at].get(session.url), 204)
        assert answer.headers["range"] == session.range
        assert answer.location == session.url

    def assert_stored(self, session, digest, at):
        assert self.instances[1 - at].get(f"{BASE}/blobs/{digest}").body == session.data

    @rule(target=sessions, at=at, algorithm=ALGORITHMS)
    def start(self, at, algorithm):
        answer = expect(self.instances[at].post(f"{BASE}/blobs/uploads/?digest-algorithm={algorithm}"), 202)
        return Model(answer.location)

    @rule(session=sessions, at=at, data=DATA, ranged=st.booleans())
    def chunk(self, session, at, data, ranged):
        start = len(session.data)
        headers = {"content_range": f"{start}-{start + len(data) - 1}"} if ranged and data else {}
        answer = expect(self.instances[at].patch(session.url, data, **headers), 202)
        session.data += data
        assert answer.headers["range"] == session.range

    @rule(session=sessions, at=at, pieces=st.lists(DATA, max_size=5))
    def stream(self, session, at, pieces):
        expect(self.instances[at].patch(session.url, pieces), 202)
        session.data += b"".join(pieces)

    @rule(session=sessions, at=at, pieces=st.lists(DATA, max_size=5), method=st.sampled_from(["PATCH", "PUT"]))
    def hang_up(self, session, at, pieces, method):
        url = f"{session.url}?digest={digest_of(b'')}"
        assert self.instances[at].request(method, url, body=[*pieces, HANG_UP]).status == 0
        session.data += b"".join(pieces)
        self.assert_stands(session, 1 - at)

    @rule(session=sessions, at=at, shift=st.integers(-400, 400).filter(bool), data=DATA.filter(bool))
    def chunk_in_a_wrong_place(self, session, at, shift, data):
        start = max(len(session.data) + shift, 0)
        if start == len(session.data):
            start += 1
        answer = self.instances[at].patch(session.url, data, content_range=f"{start}-{start + len(data) - 1}")
        expect(answer, 416, "RANGE_INVALID")
        self.assert_stands(session, at)

    @rule(session=sessions, at=at, data=DATA.filter(bool), more=st.integers(1, 9), streamed=st.booleans())
    def chunk_of_a_wrong_size(self, session, at, data, more, streamed):
        start = len(session.data)
        body = [data] if streamed else data
        answer = self.instances[at].patch(session.url, body, content_range=f"{start}-{start + len(data) - 1 + more}")
        expect(answer, 400 if streamed else 416)
        self.assert_stands(session, at)

    @rule(session=sessions, at=at)
    def status(self, session, at):
        self.assert_stands(session, at)

    @rule(target=ended, session=consumes(sessions), at=at, data=DATA, algorithm=ALGORITHMS)
    def finish(self, session, at, data, algorithm):
        session.data += data
        digest = digest_of(session.data, algorithm)
        expect(self.instances[at].put(f"{session.url}?digest={digest}", data), 201)
        self.assert_stored(session, digest, at)
        return session

    @rule(target=ended, session=consumes(sessions), at=at, data=DATA, algorithm=ALGORITHMS)
    def finish_with_a_wrong_digest(self, session, at, data, algorithm):
        wrong = digest_of(uuid.uuid4().bytes, algorithm)
        expect(self.instances[at].put(f"{session.url}?digest={wrong}", data), 400, "DIGEST_INVALID")
        expect(self.instances[1 - at].head(f"{BASE}/blobs/{wrong}"), 404)
        return session

    @rule(session=sessions, at=at, digest=st.sampled_from(["", "sha256:abc", "md5:" + "0" * 32]))
    def finish_with_nonsense(self, session, at, digest):
        expect(self.instances[at].put(f"{session.url}?digest={digest}", b"lost"), 400, "DIGEST_INVALID")
        self.assert_stands(session, at)

    @rule(target=ended, session=consumes(sessions), at=at)
    def cancel(self, session, at):
        expect(self.instances[at].delete(session.url), 204)
        return session

    @rule(session=ended, at=at, method=st.sampled_from(["GET", "PATCH", "PUT", "DELETE"]))
    def touch_what_has_ended(self, session, at, method):
        url = f"{session.url}?digest={digest_of(b'')}"
        expect(self.instances[at].request(method, url), 404, "BLOB_UPLOAD_UNKNOWN")

    @rule(target=ended, first=consumes(sessions), second=consumes(sessions), at=at)
    def finish_two_at_once(self, first, second, at):
        """Often with the same content."""
        digests = [digest_of(session.data) for session in (first, second)]
        urls = [f"{session.url}?digest={digest}" for session, digest in zip((first, second), digests, strict=True)]
        for answer in self.instances[at].together(*(("PUT", url, b"") for url in urls)):
            expect(answer, 201)
        for session, digest in zip((first, second), digests, strict=True):
            self.assert_stored(session, digest, at)
        return multiple(first, second)

    def teardown(self):
        """What is left are the unfinished ones, in the database and in the store; a new example begins with none."""
        known = {str(pk) for pk in Upload.objects.values_list("pk", flat=True)}
        files = {file.name for file in (self.store_dir / "uploads").glob("*")}
        assert files <= known
        for name in known:
            self.instances[0].delete(f"{BASE}/blobs/uploads/{name}")
        assert not list((self.store_dir / "uploads").glob("*"))
