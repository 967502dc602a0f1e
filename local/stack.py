"""The local stack: `make up` and `make down`, and separate stacks for tests.

with running_stack(home, time_scale=0.02) as info:
        httpx.get(f"{info.api_url}/v1/tasks", headers={"Authorization": f"Bearer {info.api_key}"})
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.aws.ministack import INHERITED, REGION, Ministack
from local.aws.template import API_ID, NOTICE_QUEUE_OUTPUT
from local.errors import LocalError, Unreachable
from local.paths import ROOT, Home, build_folder, import_domain
from local.process import LOOPBACK, Service, answers, free_port, require_free_port

if TYPE_CHECKING:
    from local.aws.clients import Clients

NAME = "tarmac"
PORT = 4566
SIMULATOR_PORT = 4577
RUNWAY_URL = "https://api.dev.runwayml.com"
CORS_ORIGINS = "http://localhost:5173"
CLIENT = "local"
# The simulator accepts any key of the right form.
SIMULATOR_KEY = "key_" + hashlib.sha512(b"the simulator's key").hexdigest()


@dataclass(frozen=True)
class StackInfo:
    """Addresses and names of the running stack, stored in stack.json in camelCase."""

    api_url: str
    api_key: str
    aws_endpoint_url: str
    region: str
    upload_bucket: str
    archive_bucket: str
    topic_arn: str
    notice_queue_url: str
    generation_state_machine_arn: str
    session_state_machine_arn: str
    tasks_table: str
    runway_base_url: str
    runway_secret_arn: str
    time_scale: float
    pids: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> StackInfo:
        """Read stack.json. Raise Unreachable if it is missing or of another version."""
        try:
            content = json.loads(path.read_text())
            return cls(**{f.name: content[camel(f.name)] for f in fields(cls)})
        except FileNotFoundError as error:
            raise Unreachable(f"{path} is missing: start the local stack with `make up`") from error
        except (ValueError, KeyError) as error:
            raise Unreachable(f"{path} is invalid: write it again with `make up`") from error

    def save(self, path: Path) -> None:
        """Replace the file in one step, readable by the owner only: it contains a client key."""
        content = {camel(name): value for name, value in asdict(self).items()}
        scratch = path.with_suffix(".tmp")
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps(content, indent=2) + "\n")
        scratch.replace(path)


@dataclass(frozen=True)
class Upstream:
    """The Runway API that the functions call: Runway itself, the simulator or another address."""

    base_url: str
    key: str
    simulated: bool

    @property
    def on_this_machine(self) -> bool:
        return urlsplit(self.base_url).hostname in (LOOPBACK, "localhost")

    @property
    def output_origins(self) -> str:
        """The loopback origin that outputs may come from. Empty for another upstream: any public host is allowed."""
        if not self.on_this_machine:
            return ""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Stack:
    """Settings of a local stack: its folder, ports and time scale. Port 0 takes a free one."""

    home: Path
    port: int = PORT
    simulator_port: int = SIMULATOR_PORT
    time_scale: float = 1.0
    runway_base_url: str | None = None
    runway_key: str | None = None
    cors_origins: str = CORS_ORIGINS
    webhook_origins: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    root: Path = ROOT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Stack:
        """Return the stack of `make up`. Raise LocalError for an invalid value."""
        return cls(
            home=Home.default(environment).root,
            port=_number(environment, "PORT", PORT, int),
            simulator_port=_number(environment, "SIMULATOR_PORT", SIMULATOR_PORT, int),
            time_scale=_number(environment, "TIME_SCALE", 1.0, float),
            runway_base_url=environment.get("RUNWAYML_BASE_URL") or None,
            runway_key=environment.get("RUNWAYML_API_SECRET") or None,
            cors_origins=environment.get("CORS_ORIGINS") or CORS_ORIGINS,
            webhook_origins=environment.get("WEBHOOK_ORIGINS") or "",
        )

    @property
    def files(self) -> Home:
        return Home(self.home)

    @property
    def upstream(self) -> Upstream:
        """Runway itself if a key is set, another address if that is set, otherwise the simulator."""
        if self.runway_key:
            return Upstream(self.runway_base_url or RUNWAY_URL, self.runway_key, simulated=False)
        if self.runway_base_url:
            return Upstream(self.runway_base_url, SIMULATOR_KEY, simulated=False)
        return Upstream(f"http://{LOOPBACK}:{self.simulator_port}", SIMULATOR_KEY, simulated=True)

    @property
    def aws(self) -> Ministack:
        return Ministack(self.files, self.port, self.time_scale, internet=not self.upstream.on_this_machine)

    @property
    def simulator(self) -> Service:
        state = str(self.files.simulator)
        scale = f"{self.time_scale:g}"
        return Service(
            name="the Runway simulator",
            command=[
                *(sys.executable, "-m", "local.simulator"),
                *("--port", str(self.simulator_port), "--time-scale", scale, "--state-dir", state),
            ],
            arguments=["local.simulator", state],
            pid_file=self.files.run / "simulator.pid",
            log_file=self.files.logs / "simulator.log",
            port=self.simulator_port,
            settings=f"time scale {scale}",
        )

    def up(self) -> StackInfo:
        """Start what does not run, deploy what has changed, write stack.json. Idempotent."""
        self.files.create()
        with _locked(self.files.lock_file):
            return self._with_ports()._up()

    def down(self) -> bool:
        """Stop the processes and keep the state. Return False if nothing ran."""
        if not self.files.root.exists():
            return False
        with _locked(self.files.lock_file):
            ran = [self.simulator.stop(), self.aws.stop()]
            with contextlib.suppress(LocalError):
                replace(StackInfo.load(self.files.stack_file), pids={}).save(self.files.stack_file)
            return any(ran)

    def status(self) -> dict[str, int | None]:
        """Return the process id of each part, None if it does not run."""
        return {"aws": self.aws.service.pid(), "simulator": self.simulator.pid()}

    def info(self) -> StackInfo:
        """Return the content of stack.json. Raise Unreachable if it is missing."""
        return StackInfo.load(self.files.stack_file)

    def _with_ports(self) -> Stack:
        """Replace port 0 by the port that this stack already uses, or by a free one."""
        port = self.port or self.aws.service.running_port() or free_port()
        simulator_port = self.simulator_port or self.simulator.running_port() or free_port()
        return replace(self, port=port, simulator_port=simulator_port)

    def _up(self) -> StackInfo:
        began = time.monotonic()
        self._start()
        # Imported while the servers start, because boto3 alone takes half a second.
        from local.aws import deploy
        from local.aws.clients import Clients

        bundle = deploy.prepare(deploy.Project(self.root, build_folder()), self._parameters(), say)
        if self.upstream.simulated:
            health = f"{self.upstream.base_url}/_simulator/health"
            self.simulator.wait_ready(lambda: answers(health), patience_seconds=20)
        self.aws.wait_ready()
        with Clients(self.aws.url, REGION) as clients:
            outputs = deploy.deploy(clients, NAME, bundle, say)
            store_runway_key(clients, outputs["RunwaySecretArn"], self.upstream.key)
            info = self._describe(outputs, self._client_key(clients, outputs["TasksTable"]))
        info.save(self.files.stack_file)
        say(f"up after {time.monotonic() - began:.1f} s: {info.api_url}")
        return info

    def _describe(self, outputs: Mapping[str, str], api_key: str) -> StackInfo:
        account = outputs["NoticeTopicArn"].split(":")[4]
        return StackInfo(
            api_url=f"{self.aws.url}/_aws/execute-api/{API_ID}/$default",
            api_key=api_key,
            aws_endpoint_url=self.aws.url,
            region=REGION,
            upload_bucket=outputs["UploadBucket"],
            archive_bucket=outputs["ArchiveBucket"],
            topic_arn=outputs["NoticeTopicArn"],
            # Composed, because the queue's own attribute contains the port of its creation.
            notice_queue_url=f"{self.aws.url}/{account}/{outputs[NOTICE_QUEUE_OUTPUT]}",
            generation_state_machine_arn=outputs["GenerationStateMachineArn"],
            session_state_machine_arn=outputs["SessionStateMachineArn"],
            tasks_table=outputs["TasksTable"],
            runway_base_url=self.upstream.base_url,
            runway_secret_arn=outputs["RunwaySecretArn"],
            time_scale=self.time_scale,
            pids={name: pid for name, pid in self.status().items() if pid is not None},
        )

    def _start(self) -> None:
        """Start the processes that do not run with these settings. Raise PortTaken before anything is started."""
        aws, simulator = self.aws, self.simulator
        start_aws = not aws.service.runs_as_asked()
        start_simulator = self.upstream.simulated and not simulator.runs_as_asked()
        if start_aws:
            aws.stop()
        if start_simulator or not self.upstream.simulated:
            simulator.stop()
        if start_aws:
            require_free_port(self.port, "PORT")
        if start_simulator:
            require_free_port(self.simulator_port, "SIMULATOR_PORT")
        if start_aws:
            if aws.set_lost_state_aside():
                say(f"the local AWS was killed, so its tables are lost; its files are in {self.files.lost}")
            say(f"starting the local AWS on port {self.port}")
            aws.start()
        if start_simulator:
            say(f"starting the Runway simulator on port {self.simulator_port}")
            environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
            simulator.start(environment | {"TMPDIR": str(self.files.tmp)}, ROOT)

    def _parameters(self) -> dict[str, str]:
        return {
            "RunwayBaseUrl": self.upstream.base_url,
            "OutputOrigins": self.upstream.output_origins,
            "CorsOrigins": self.cors_origins,
            "WebhookOrigins": self.webhook_origins,
            **self.parameters,
        }

    def _client_key(self, clients: Clients, table_name: str) -> str:
        """Return the key of stack.json if it is valid, otherwise a new key of the client `local`."""
        import_domain()
        from tarmac.aws.dynamodb import DynamoTable
        from tarmac.http.clients import DEFAULT_SCOPES, ClientStore

        store = ClientStore(DynamoTable(table_name, clients.dynamodb))
        with contextlib.suppress(LocalError):
            known = self.info().api_key
            if store.identify(known) is not None:
                return known
        return store.create_key(CLIENT, DEFAULT_SCOPES, time.time())


@contextlib.contextmanager
def running_stack(home: Path, **settings: Any) -> Iterator[StackInfo]:
    """Run a separate stack on free ports during a `with` block. settings: fields of Stack."""
    stack = Stack(home=home, **{"port": 0, "simulator_port": 0, **settings})
    try:
        yield stack.up()
    finally:
        stack.down()


def store_runway_key(clients: Clients, secret_arn: str, key: str) -> None:
    """Store the key in the secret unless it is stored already."""
    if clients.secrets.get_secret_value(SecretId=secret_arn).get("SecretString") != key:
        clients.secrets.put_secret_value(SecretId=secret_arn, SecretString=key)


def camel(name: str) -> str:
    """Convert snake_case to camelCase: api_url becomes apiUrl."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def say(line: str) -> None:
    """Print one line of progress on standard error."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _locked(lock_file: Path) -> Iterator[None]:
    """Hold the lock of a home: a second `up` or `down` waits."""
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another `up` or `down` of this stack")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _number(environment: Mapping[str, str], name: str, default: Any, kind: type[Any]) -> Any:
    text = environment.get(name)
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError as error:
        raise LocalError(f"{name}={text} must be a number") from error
    if not value > 0:
        raise LocalError(f"{name}={text} must be greater than 0")
    return value
