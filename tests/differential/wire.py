"""Holds one reply against AWS's own model of the service, as botocore carries it.

botocore's parsers pass over what they do not know. This reads the same bytes again and asks of every name whether the model
has it, of every value whether it is of the model's type, and of every required member whether it is there.
"""

import json
import re
from datetime import datetime
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import botocore.parsers
import botocore.session

# The services by the name in a signature's scope, where botocore calls them otherwise.
RENAMED = {"servicequotas": "service-quotas", "tagging": "resourcegroupstaggingapi"}
CLASSIC = "2012-06-01"
# What every service may answer, so that no model lists it: AWS's "Common Errors".
COMMON = {"AccessDenied", "AccessDeniedException", "InvalidAction", "MissingParameter", "ThrottlingException", "ValidationError"}
COMMON |= {"InvalidParameterValue", "InvalidParameterCombination", "MalformedQueryString", "Throttling", "ValidationException"}

# Where AWS itself does not keep to its models, each with its source.
BESIDE_THE_MODEL = {
    # "For an internet gateway, the state is available when attached to a VPC": EC2's reference of the member itself.
    ("ec2", "InternetGateways.[].Attachments.[].State is 'available'"),
    # Private zones have no delegation set (Route 53's guide on private zones).
    ("route53", "DelegationSet is required and not there"),
    # What a cluster of another name is answered with by every operation of EKS (its guide on troubleshooting).
    ("eks", "the error ResourceNotFoundException is none of"),
}

_session = botocore.session.Session()
_models = {}


def model(service):
    if service not in _models:
        _models[service] = _session.get_service_model(service)
    return _models[service]


def operation_of(method, path, headers, body):
    """The model of the operation that a request asks for; None for what is no AWS request."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers.get("Authorization", ""))
    if not scope:
        return None
    service = RENAMED.get(scope.group(1), scope.group(1))
    if target := headers.get("X-Amz-Target"):
        return model(service).operation_model(target.rpartition(".")[2])
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        asked = dict(parse_qsl(body.decode()))
        if service == "elasticloadbalancing":
            service = "elb" if asked["Version"] == CLASSIC else "elbv2"
        return model(service).operation_model(asked["Action"])
    for name in model(service).operation_names:
        operation = model(service).operation_model(name)
        uri = operation.http["requestUri"].partition("?")[0].rstrip("/")
        pattern = re.sub(r"\\\{\w+(\\\+)?\\\}", lambda label: ".+" if label.group(1) else "[^/]+", re.escape(uri))
        if operation.http["method"] == method and re.fullmatch(pattern, path.partition("?")[0].rstrip("/")):
            return operation
    raise LookupError(f"{service} has no operation {method} {path}")


def findings(operation, status, headers, body):
    """What is wrong with a reply to `operation`, one sentence each."""
    service = operation.service_model
    known = tuple(sentence for name, sentence in BESIDE_THE_MODEL if name == service.service_name)
    return [finding for finding in _findings(operation, status, headers, body) if not finding.startswith(known)]


def _findings(operation, status, headers, body):
    service = operation.service_model
    parser = botocore.parsers.create_parser(service.resolved_protocol)
    reply = {"status_code": status, "headers": {key.lower(): value for key, value in headers.items()}, "body": body}
    try:
        parsed = parser.parse(reply, operation.output_shape)
    except (botocore.parsers.ResponseParserError, ValueError, KeyError) as error:
        return [f"botocore can't parse it: {error}"]
    if status >= 300:
        return list(_of_error(operation, status, parsed.get("Error", {})))
    if operation.output_shape is None or not body:
        return []
    if service.resolved_protocol in ("json", "rest-json"):
        return list(_of_json(operation.output_shape, json.loads(body), "", _in_body(operation.output_shape)))
    root = ElementTree.fromstring(body)
    if wrapper := operation.output_shape.serialization.get("resultWrapper"):
        unwrapped = root.find(f"{{*}}{wrapper}")
        if unwrapped is None:
            return [f"no {wrapper} in it"]
        root = unwrapped
    return list(_of_xml(operation.output_shape, root, "", _in_body(operation.output_shape)))


def _of_error(operation, status, error):
    code = error.get("Code")
    if not code or "Message" not in error:
        yield f"an error without code or message: {error}"
        return
    # EC2's model has no errors at all.
    known = {}
    for shape in operation.error_shapes:
        details = shape.metadata.get("error", {})
        known[details.get("code", shape.name)] = details.get("httpStatusCode")
    if not known or code in COMMON:
        return
    if code not in known:
        yield f"the error {code} is none of {', '.join(sorted(known))}"
    elif known[code] not in (None, status):
        yield f"the error {code} comes with status {status} instead of {known[code]}"


def _in_body(shape):
    """The members that a body carries, by the model's names."""
    elsewhere = {name for name, member in shape.members.items() if member.serialization.get("location")}
    return {name: member for name, member in shape.members.items() if name not in elsewhere}


def _missing(shape, members, there, path):
    for name in shape.required_members:
        if name in members and name not in there:
            yield f"{path}{name} is required and not there"


def _of_json(shape, value, path, members=None):
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{path} is no object"
            return
        members = shape.members if members is None else members
        names = {member.serialization.get("name", name): name for name, member in members.items()}
        for key, item in value.items():
            if key not in names:
                yield f"{path}{key} is not in the model"
            else:
                yield from _of_json(members[names[key]], item, f"{path}{names[key]}.")
        yield from _missing(shape, members, {names.get(key) for key in value}, path)
    elif kind == "list":
        for item in value if isinstance(value, list) else [value]:
            yield from _of_json(shape.member, item, f"{path}[].")
    elif kind == "map":
        for item in value.values() if isinstance(value, dict) else [None]:
            yield from _of_json(shape.value, item, f"{path}{{}}.")
    else:
        types = {"boolean": bool, "integer": int, "long": int, "double": (int, float), "float": (int, float)}
        wanted = types.get(kind, (int, float) if kind == "timestamp" else str)
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
            yield f"{path[:-1]} is {value!r}, which is no {kind}"
        yield from _of_enum(shape, value, path)


def _of_xml(shape, element, path, members=None):
    kind = shape.type_name
    if kind == "structure":
        members = shape.members if members is None else members
        names = {}
        for name, member in members.items():
            listed = member.serialization.get("flattened") and member.type_name == "list"
            own = member.serialization.get("name", name)
            names[member.member.serialization.get("name", own) if listed else own] = name
        there = set(element.attrib) & set(names)
        for child in element:
            tag = child.tag.rpartition("}")[2]
            if tag in ("requestId", "ResponseMetadata", "RequestId") and not path:
                continue
            if tag not in names:
                yield f"{path}{tag} is not in the model"
                continue
            there.add(names[tag])
            member = members[names[tag]]
            if member.type_name == "list" and member.serialization.get("flattened"):
                member = member.member
            yield from _of_xml(member, child, f"{path}{names[tag]}.")
        yield from _missing(shape, members, {names.get(name, name) for name in there}, path)
    elif kind == "list":
        item = shape.member.serialization.get("name", "member")
        for child in element:
            if child.tag.rpartition("}")[2] != item:
                yield f"{path}{child.tag.rpartition('}')[2]} in a list of {item}"
            yield from _of_xml(shape.member, child, f"{path}[].")
    elif kind == "map":
        for entry in element:
            value = entry.find("{*}" + shape.value.serialization.get("name", "value"))
            yield from _of_xml(shape.value, value, f"{path}{{}}.")
    else:
        text = element.text or ""
        if len(element) or not _is(kind, text):
            yield f"{path[:-1]} is {text!r}, which is no {kind}"
        yield from _of_enum(shape, text, path)


def _is(kind, text):
    try:
        if kind == "boolean":
            return text in ("true", "false")
        if kind in ("integer", "long"):
            return str(int(text)) == text
        if kind in ("double", "float"):
            float(text)
        if kind == "timestamp":
            datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def _of_enum(shape, value, path):
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        yield f"{path[:-1]} is {value!r}, which is none of {', '.join(allowed)}"
