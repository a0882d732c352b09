"""One AWS as a sequence of requests sees it, and what is kept of its answers to be compared with another's."""

import re
import time
from datetime import datetime

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

REGION = "us-east-1"
# Ids and names that a cloud makes up. The first is compared by where it was seen first, the others as one.
ID = re.compile(r"(?<![0-9a-f]{4}-)\b[a-z]{1,9}-[0-9a-f]{8,17}\b(?!-)|(?<=/hostedzone/)\w+|\bZ[A-Z0-9]{12,}")
MADE_UP = [
    (re.compile(pattern), name)
    for pattern, name in [
        (r"\b(?:\d{1,3}\.){3}\d{1,3}\b(?!/)", "ADDRESS"),
        (r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
        (r"\b\d{13}\b", "MILLISECONDS"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"(?:/change/)?\bC[A-Z0-9]{13,}\b", "CHANGE"),
        (r"\bA[A-Z0-9]{16,20}\b|^[a-z0-9]{20}$", "UNIQUE"),
        (r"(?<=/)[0-9a-f]{16}\b|(?<=//)\w{20,32}(?=\.)|(?<=/id/)\w+|\bdb-[0-9A-Z]{26}\b", "UNIQUE"),
        (r"^[A-Za-z0-9+/=]{200,}$", "CERTIFICATE"),
        # The end of a secret's ARN.
        (r"(?<=-)[A-Za-z0-9]{6}$", "UNIQUE"),
        # Zones have other numbers in each account.
        (r"\buse1-az\d\b", "ZONE"),
        # Names in DNS, but for what comes first in them.
        (r"(?<=\.)[\w.-]+(?=\.amazonaws\.com)", "REGION"),
    ]
]


class Cloud:
    def __init__(self, endpoint):
        self._endpoint = endpoint
        self._clients = {}
        self._seen = {}
        self.told = {}

    def client(self, service):
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                region_name=REGION,
                endpoint_url=self._endpoint,
                aws_access_key_id="AKIDEXAMPLE",
                aws_secret_access_key="secret",
                # What is wrong must be answered by the cloud, and once.
                config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
            )
        return self._clients[service]

    def steps(self, sequence, service):
        """Asks of one service in one sequence: called with a step's words, an operation and its parameters."""
        return Steps(self, sequence, service)

    def call(self, step, service, operation, **parameters):
        """Asks, and keeps the outcome under `step`. Returns the answer, or None where it was refused."""
        method = getattr(self.client(service), xform_name(operation))
        try:
            answer = method(**parameters)
        except ClientError as error:
            self.told[step] = error.response["Error"]["Code"]
            return None
        except ResponseParserError as error:  # what came was no answer
            self.told[step] = type(error).__name__
            return None
        answer.pop("ResponseMetadata")
        self.told[step] = self._comparable(answer, step)
        return answer

    def _comparable(self, value, step, path=""):
        """The same answer without what two clouds can't agree on."""
        if isinstance(value, dict):
            if any(_made_up(key) != key for key in value):
                return self._comparable(list(value.values()), step, path)
            return {key: self._comparable(item, step, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            # An order is the cloud's own affair.
            return sorted((self._comparable(item, step, path) for item in value), key=repr)
        if isinstance(value, datetime):
            return "TIME"
        # Ids are told apart by where they were seen first.
        text = ID.sub(lambda found: self._seen.setdefault(found.group(), f"<{step}{path}>"), str(value))
        return self._seen.get(text) or _made_up(text)


def _made_up(text):
    for pattern, name in MADE_UP:
        text = pattern.sub(name, text)
    return text


class Steps:
    def __init__(self, cloud, sequence, service):
        self._cloud, self._sequence, self._service = cloud, sequence, service

    def __call__(self, step, operation, **parameters):
        return self._cloud.call(f"{self._sequence}: {step}", self._service, operation, **parameters)

    def until(self, holds, step, operation, **parameters):
        """Asks again and again until `holds` is true of the answer, which is None for a refusal."""
        deadline = time.monotonic() + 60
        while not holds(answer := self(step, operation, **parameters)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._sequence}: {step} never comes to its end")
            time.sleep(0.05)
        return answer
