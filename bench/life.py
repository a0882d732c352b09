"""The life of staging on one AWS, moto over HTTP: groundwork's, and Terraform's where it is installed.

Each life gets a moto of its own, so that none finds what another left. Requests are counted by moto, CPU and memory by
the system, of the program and what it starts; moto's own are not in them.
"""

import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PYTHON = PROJECT / "target/clients/bin/python"
PASSWORD = "benchmark-password"
PLANS = 7

# What makes a simulated cluster, to stand where moto has none.
CLUSTER = """
[environment]
name = "judge"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.99.0.0/16"
[cluster.node_groups.default]
instance_types = ["t3.medium"]
min = 3
"""


class Server:
    """A program that prints its address and ends with us."""

    def __init__(self, command, **options):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        self.said = ""
        while not (found := re.search(r"http://[\d.]+:\d+", self.said)):
            line = self._process.stdout.readline()
            if not line:
                sys.exit(f"{command[0]} ended before it listened: {self.said}")
            self.said += line
        self.url = found.group()

    def end(self):
        self._process.terminate()
        self._process.communicate()


class Moto(Server):
    def __init__(self, folder):
        self._log = folder / "requests.txt"
        self._log.touch()
        environment = dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true")
        super().__init__([PYTHON, PROJECT / "tests/moto/server.py", self._log], env=environment)

    def requests(self):
        return len(self._log.read_text().splitlines())


class Life:
    """Runs one program against one moto, and prints what each command cost."""

    def __init__(self, name, moto, folder, environment):
        self._name, self._moto, self._folder = name, moto, folder
        self._environment = {**os.environ, "AWS_ENDPOINT_URL": moto.url, "AWS_EC2_METADATA_DISABLED": "true"}
        self._environment |= {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
        self._environment |= environment

    def run(self, what, command, expected=0, times=1):
        costs = [self._one(command, expected) for _ in range(times)]
        # The middle one, by CPU time.
        wall, cpu, memory, requests = sorted(costs, key=lambda cost: cost[1])[len(costs) // 2]
        print(f"{self._name:28} {what:20} {wall:7.2f} s wall {cpu:6.2f} s CPU {memory:5.0f} MB {requests:4} requests", flush=True)
        return cpu, memory, requests

    def _one(self, command, expected):
        before, begun = self._moto.requests(), time.monotonic()
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            code = os.waitstatus_to_exitcode(status)
            if code != expected:
                said.seek(0)
                sys.exit(f"{' '.join(map(str, command))} ended with {code}:\n{said.read().decode()[-3000:]}")
        wall = time.monotonic() - begun
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, self._moto.requests() - before


def ours(groundwork, with_cluster):
    """The costs of apply and of a plan without changes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("environments", "policies"):
            shutil.copytree(PROJECT / part, folder / part)
        beside = prepare(folder, with_cluster)
        tunnel, cluster = serve_cluster(groundwork, folder)
        moto = Moto(folder)
        life = Life("groundwork" + beside, moto, folder, {"MYSQL_PASSWORD": PASSWORD})

        def command(*words):
            return [groundwork, *words, "--provider", "aws", *tunnel]

        life.run("plan, nothing there", command("plan", "staging"), expected=2)
        apply = life.run("apply", command("apply", "staging", "--yes"))
        plan = life.run("plan, nothing to do", command("plan", "staging"), times=PLANS)
        life.run("destroy", command("destroy", "staging", "--yes"))
        moto.end()
        cluster.end()
        return apply, plan


def prepare(folder, with_cluster):
    """Gives staging an account, and what is put into its cluster a source that needs no internet; or leaves that out."""
    file = folder / "environments/staging.toml"
    text = file.read_text().replace('owner = "platform"', 'owner = "platform"\naccount = "123456789012"')
    if not with_cluster:
        file.write_text(text[: text.index("# What is put into the cluster")])
        return ", AWS only"
    manifest = (PROJECT / "src/sandbox/stand_ins/argocd.yaml").read_bytes()
    digest = hashlib.sha256(manifest).hexdigest()
    pin = f'manifest = {{ url = "http://127.0.0.1:9/install.yaml", sha256 = "{digest}" }}'
    file.write_text(text.replace('version = "v3.5.1"', f'version = "v3.5.1"\n{pin}'))
    cache = folder / ".groundwork/cache"
    cache.mkdir(parents=True)
    (cache / f"{digest}.yaml").write_bytes(manifest)
    return ", cluster and all"


def serve_cluster(groundwork, folder):
    """Serves a simulated cluster; gives the options that reach it, and the server."""
    (folder / "environments/judge.toml").write_text(CLUSTER)
    fast = [groundwork, "-C", folder, "--sandbox-speed", "2000"]
    subprocess.run([*fast, "apply", "judge", "--yes"], check=True, capture_output=True)
    server = Server([*fast, "sandbox", "serve", "--port", "0"])
    kubeconfig = folder / "kubeconfig.yaml"
    made = subprocess.run([*fast, "kubeconfig", "judge", "--server", server.url], check=True, capture_output=True)
    kubeconfig.write_bytes(made.stdout)
    return ["--kubeconfig", str(kubeconfig)], server


def theirs(terraform, plugins):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(PROJECT / "bench/staging.tf", folder)
        moto = Moto(folder)
        # Without the settings of whoever runs this.
        settings = {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        life = Life("terraform, AWS only", moto, folder, settings)
        at = [f"-plugin-dir={plugins}"] if plugins else []
        life.run("init", [terraform, "init", "-input=false", *at])
        life.run("plan, nothing there", [terraform, "plan", "-input=false", "-detailed-exitcode"], expected=2)
        life.run("apply", [terraform, "apply", "-input=false", "-auto-approve"])
        life.run("plan, nothing to do", [terraform, "plan", "-input=false", "-detailed-exitcode"], times=3)
        life.run("destroy", [terraform, "destroy", "-input=false", "-auto-approve"])
        moto.end()


def compare(groundwork, plugins):
    """Measures all lives. Gives what exceeds its limit, as sentences."""
    # Of the programs that are measured, none may count what another has used.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 < 50, "this program itself is too large"
    too_much = []
    for with_cluster in (False, True):
        (apply_cpu, _, _), (plan_cpu, plan_memory, plan_requests) = ours(groundwork, with_cluster)
        limits = [
            ("apply: CPU seconds", apply_cpu, 0.5),
            ("no-op plan: CPU seconds", plan_cpu, 0.1),
            ("no-op plan: MB", plan_memory, 50),
            ("no-op plan: requests", plan_requests, 25),
        ]
        too_much += [f"{what}: {found:.2f}, at most {most}" for what, found, most in limits if found > most]
    if terraform := shutil.which("terraform"):
        theirs(terraform, plugins)
    else:
        print("terraform is not installed: its side was not measured")
    return too_much
