"""Asks the sandbox and moto the same, and holds their answers against each other and against AWS's own models.

Given the sandbox's address, and a program run with it, ends with 0 where nothing differs but what `differences.py` lists.
"""

import fnmatch
import logging
import sys
import threading

from moto.backends import get_backend
from moto.server import ThreadedMotoServer

import network
import proxy
import services
from cloud import Cloud
from differences import MEMBERS, OUTCOMES

NOTHING = "-"


def ask(endpoint):
    """Every step's outcome: an error's code, or the values of the answer by their path."""
    cloud = Cloud(endpoint)
    for sequence in services.SEQUENCES + network.SEQUENCES:
        try:
            sequence(cloud)
        except (TypeError, KeyError, IndexError, TimeoutError) as error:
            cloud.told[f"{sequence.__name__}: to its end"] = f"{type(error).__name__}: {error}"
    return cloud.told


def differences(sandbox, moto):
    """Each step, member, and the two values that differ there; no member where the outcome itself differs."""
    for step in {**sandbox, **moto}:
        ours, theirs = sandbox.get(step, NOTHING), moto.get(step, NOTHING)
        if isinstance(ours, str) or isinstance(theirs, str):
            ours = ours if isinstance(ours, str) else "accepted"
            theirs = theirs if isinstance(theirs, str) else "accepted"
        yield from ((step, *found) for found in compared(ours, theirs, ""))


def compared(ours, theirs, path):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        # What only the sandbox answers, AWS's model has been asked about.
        for key, value in theirs.items():
            yield from compared(ours.get(key, NOTHING), value, f"{path}.{key}" if path else key)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield path, f"{len(ours)} of them", f"{len(theirs)} of them"
            return
        for one, other in zip(ours, theirs):
            yield from compared(one, other, f"{path}[]")
    elif ours != theirs:
        yield path, shown(ours), shown(theirs)


def shown(value):
    return value if isinstance(value, str) else "{}" if isinstance(value, dict) else f"{len(value)} of them"


def main():
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    [endpoint] = sys.argv[1:]
    replies, wrong = {}, set()

    def tell(service, operation, _status, found):
        replies[service, operation] = replies.get((service, operation), 0) + 1
        wrong.update(f"{service} {operation}: {finding}" for finding in found)

    watched = proxy.server(endpoint, tell)
    threading.Thread(target=watched.serve_forever, daemon=True).start()
    sandbox = ask(f"http://127.0.0.1:{watched.server_port}")
    # A new sandbox world has this user.
    get_backend("iam")[services.ACCOUNT]["aws"].create_user(region_name="us-east-1", user_name="ops-account", tags=[])
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    moto = ask("http://%s:%s" % server.get_host_and_port())

    told, met = [f"against AWS's model: {sentence}" for sentence in sorted(wrong)], set()
    for step, member, ours, theirs in differences(sandbox, moto):
        if member:
            rows = [row for row in MEMBERS if fnmatch.fnmatchcase(member, row.replace("[", "[[]"))]
        else:
            rows = [row for row in OUTCOMES if row == (step, ours, theirs)]
        met.update(rows)
        if not rows:
            told.append(f"{step}: {member or 'the outcome'} is {ours} in the sandbox and {theirs} in moto")
    told += [f"differs no more: {row}" for row in {**OUTCOMES, **MEMBERS} if row not in met]
    print(*told, sep="\n")
    print(f"{len(sandbox)} steps, {sum(replies.values())} replies of {len(replies)} operations; {len(met)} rows of differences")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
