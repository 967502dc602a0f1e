"""The local stack as a whole: `make up` and `make down`, and stacks of their own for tests.

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

from local.aws.ministack import KEPT, REGION, Ministack
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
# The simulator takes any key of the right form.
SIMULATOR_KEY = "key_" + hashlib.sha512(b"the simulator's key").hexdigest()


@dataclass(frozen=True)
class StackInfo:
    """Where the running stack is, as kept in stack.json (there in camelCase)."""

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
        """Raises Unreachable where there is no stack.json, or one of another version."""
        try:
            content = json.loads(path.read_text())
            return cls(**{f.name: content[camel(f.name)] for f in fields(cls)})
        except FileNotFoundError as error:
            raise Unreachable(f"{path} is missing: start the local stack with `make up`") from error
        except (ValueError, KeyError) as error:
            raise Unreachable(f"{path} is unreadable: write it anew with `make up`") from error

    def save(self, path: Path) -> None:
        """Replace the file in one step. For the owner only: it holds a client key."""
        content = {camel(name): value for name, value in asdict(self).items()}
        scratch = path.with_suffix(".tmp")
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps(content, indent=2) + "\n")
        scratch.replace(path)


@dataclass(frozen=True)
class Upstream:
    """The Runway that the functions talk to."""

    base_url: str
    key: str
    simulated: bool

    @property
    def on_this_machine(self) -> bool:
        return urlsplit(self.base_url).hostname in (LOOPBACK, "localhost")

    @property
    def output_origins(self) -> str:
        """The loopback origin that outputs may come from; empty (any public host) for another upstream."""
        if not self.on_this_machine:
            return ""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Stack:
    """A local stack: its folder, its ports, its pace. Port 0 takes any free one."""

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
        """As `make up` runs it. Raises LocalError for a value that is none."""
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
        """Runway itself when its key is given, another address when that is given, else the simulator."""
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
        """Start what does not run, deploy what has changed, write stack.json. Harmless when all is up."""
        self.files.create()
        with _alone(self.files.lock_file):
            return self._with_ports()._up()

    def down(self) -> bool:
        """End the processes, keep the state. False if nothing ran."""
        if not self.files.root.exists():
            return False
        with _alone(self.files.lock_file):
            ran = [self.simulator.stop(), self.aws.stop()]
            with contextlib.suppress(LocalError):
                replace(StackInfo.load(self.files.stack_file), pids={}).save(self.files.stack_file)
            return any(ran)

    def status(self) -> dict[str, int | None]:
        """Process id of each part, None where it does not run."""
        return {"aws": self.aws.service.pid(), "simulator": self.simulator.pid()}

    def info(self) -> StackInfo:
        """stack.json. Raises LocalError if there is none."""
        return StackInfo.load(self.files.stack_file)

    def _with_ports(self) -> Stack:
        """Free ports in place of zeros, or those that this stack already has."""
        port = self.port or self.aws.service.running_port() or free_port()
        simulator_port = self.simulator_port or self.simulator.running_port() or free_port()
        return replace(self, port=port, simulator_port=simulator_port)

    def _up(self) -> StackInfo:
        began = time.monotonic()
        self._start()
        # Imported while the servers start: boto3 alone takes half a second.
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
            # Composed: the queue's own attribute keeps the port that it was made on.
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
        """Start the processes that do not run as asked. Raises PortTaken before anything has started."""
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
                say(f"the local AWS was killed and its tables are lost; its files are in {self.files.lost}")
            say(f"starting the local AWS on port {self.port}")
            aws.start()
        if start_simulator:
            say(f"starting the Runway simulator on port {self.simulator_port}")
            environment = {name: os.environ[name] for name in KEPT if name in os.environ}
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
        """The key of stack.json as long as it is valid, else a new one for the client `local`."""
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
    """A stack of one's own on free ports, for as long as the block lasts. `settings` are those of Stack."""
    stack = Stack(home=home, **{"port": 0, "simulator_port": 0, **settings})
    try:
        yield stack.up()
    finally:
        stack.down()


def store_runway_key(clients: Clients, secret_arn: str, key: str) -> None:
    """Write the key into the secret unless it is there."""
    if clients.secrets.get_secret_value(SecretId=secret_arn).get("SecretString") != key:
        clients.secrets.put_secret_value(SecretId=secret_arn, SecretString=key)


def camel(name: str) -> str:
    """api_url → apiUrl."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def say(line: str) -> None:
    """One line of progress."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _alone(lock_file: Path) -> Iterator[None]:
    """One `up` or `down` of a home at a time; another waits."""
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
        raise LocalError(f"{name}={text} is not a number") from error
    if not value > 0:
        raise LocalError(f"{name}={text} is not above zero")
    return value
