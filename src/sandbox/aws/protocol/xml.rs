//! XML: replies and faults of the query protocols and of Route 53, and Route 53's request bodies.

use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use serde_json::{Map, Value};

use crate::sandbox::aws::call::{Fault, Reply};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The elements in Route 53's request bodies that are lists, which XML itself does not tell.
const LISTS: &[&str] = &[
    "Changes",
    "ResourceRecords",
    "AddTags",
    "RemoveTagKeys",
    "ResourceIds",
];

/// Deeper bodies are refused: no operation has them.
const DEEPEST: usize = 32;

/// An answer of EC2.
pub fn ec2_reply(operation: &str, namespace: &str, reply: &Reply, request_id: &str) -> String {
    let body = format!("<requestId>{request_id}</requestId>{}", content(reply));
    document(operation, namespace, &body)
}

/// An answer of a query service.
pub fn query_reply(operation: &str, namespace: &str, reply: &Reply, request_id: &str) -> String {
    let body = format!(
        "<{operation}Result>{}</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>",
        content(reply)
    );
    document(operation, namespace, &body)
}

/// An answer of a REST-XML service.
pub fn rest_reply(operation: &str, namespace: &str, reply: &Reply) -> String {
    document(operation, namespace, &content(reply))
}

fn document(operation: &str, namespace: &str, body: &str) -> String {
    format!("{DECLARATION}<{operation}Response xmlns=\"{namespace}\">{body}</{operation}Response>")
}

/// A refusal of EC2.
pub fn ec2_fault(fault: &Fault, request_id: &str) -> String {
    format!(
        "{DECLARATION}<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>",
        escape(&fault.code),
        escape(&fault.message)
    )
}

/// A refusal of every other service that writes XML.
pub fn fault(namespace: &str, fault: &Fault, request_id: &str) -> String {
    let blamed = if fault.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    format!(
        "{DECLARATION}<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{blamed}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        escape(&fault.code),
        escape(&fault.message)
    )
}

fn content(reply: &Reply) -> String {
    let mut out = String::new();
    write(&mut out, reply);
    out
}

fn write(out: &mut String, reply: &Reply) {
    match reply {
        Reply::Text(text) => out.push_str(&escape(text)),
        Reply::Number(number) => out.push_str(&number.to_string()),
        Reply::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Reply::Time(time) => out.push_str(&time.to_rfc3339()),
        Reply::Fields(members) => {
            for (name, member) in members {
                element(out, name, member);
            }
        }
        Reply::Map(entries) => {
            for (key, entry) in entries {
                out.push_str("<entry>");
                element(out, "key", &key.into());
                element(out, "value", entry);
                out.push_str("</entry>");
            }
        }
        Reply::List(name, elements) => {
            for member in elements {
                element(out, name, member);
            }
        }
    }
}

fn element(out: &mut String, name: &str, member: &Reply) {
    out.extend(["<", name, ">"]);
    write(out, member);
    out.extend(["</", name, ">"]);
}

/// The members in a request body; none when it is empty.
pub fn body(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(&error.to_string()))?;
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let mut reader = Reader::from_str(text);
    let mut tree = Tree::default();
    loop {
        match reader
            .read_event()
            .map_err(|error| malformed(&error.to_string()))?
        {
            Event::Start(start) => tree.open(start.local_name().as_ref())?,
            Event::Empty(start) => {
                tree.open(start.local_name().as_ref())?;
                tree.close();
            }
            Event::End(_) => tree.close(),
            Event::Text(text) => tree.top.text.push_str(&text.xml10_content()),
            Event::CData(text) => tree.top.text.push_str(&text.xml10_content()),
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(character)) => tree.top.text.push(character),
                Ok(None) | Err(_) => {
                    let text = resolve_predefined_entity(&name)
                        .ok_or_else(|| malformed(&format!("unknown entity {}", &*name)))?;
                    tree.top.text.push_str(text);
                }
            },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

fn malformed(reason: &str) -> Fault {
    let message = format!("The body is not well-formed XML: {reason}");
    Fault::new("InvalidInput", message)
}

/// The elements read so far: the innermost open one, and those around it, the document itself first.
#[derive(Default)]
struct Tree {
    around: Vec<Element>,
    top: Element,
}

impl Tree {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        if self.around.len() >= DEEPEST {
            return Err(malformed("it is nested too deeply"));
        }
        let inner = Element {
            name: name.to_owned(),
            ..Element::default()
        };
        self.around.push(std::mem::replace(&mut self.top, inner));
        Ok(())
    }

    /// The reader has checked that every end has its beginning.
    fn close(&mut self) {
        if let Some(parent) = self.around.pop() {
            let closed = std::mem::replace(&mut self.top, parent);
            let name = closed.name.clone();
            self.top.members.push((name, closed.into_value()));
        }
    }

    /// The members of the root element.
    fn finish(self) -> Result<Map<String, Value>, Fault> {
        if !self.around.is_empty() {
            return Err(malformed("it ends too early"));
        }
        match self.top.members.into_iter().next() {
            Some((_, Value::Object(members))) => Ok(members),
            Some(_) => Ok(Map::new()),
            None => Err(malformed("it has no root element")),
        }
    }
}

#[derive(Default)]
struct Element {
    name: String,
    text: String,
    members: Vec<(String, Value)>,
}

impl Element {
    fn into_value(self) -> Value {
        if LISTS.contains(&self.name.as_str()) {
            self.members.into_iter().map(|(_, value)| value).collect()
        } else if self.members.is_empty() {
            Value::String(self.text)
        } else {
            self.members.into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::aws::call::Params;
    use crate::sandbox::time::SimTime;

    #[test]
    fn replies_are_escaped_and_whole_numbers_stay_whole() {
        let reply = Reply::Fields(vec![
            ("name", "a<b&c".into()),
            ("count", 3.into()),
            ("share", Reply::Number(0.5)),
            ("isDefault", false.into()),
            ("at", SimTime(0).into()),
            ("vpcSet", Reply::texts("item", ["x", "y"])),
            ("tagSet", Reply::List("item", Vec::new())),
        ]);
        assert_eq!(
            content(&reply),
            "<name>a&lt;b&amp;c</name><count>3</count><share>0.5</share><isDefault>false</isDefault>\
             <at>1970-01-01T00:00:00Z</at><vpcSet><item>x</item><item>y</item></vpcSet><tagSet></tagSet>"
        );
    }

    #[test]
    fn bodies_become_trees_whose_lists_are_lists_even_with_one_element() {
        let text = r#"<?xml version="1.0"?>
            <ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">
              <ChangeBatch><Comment>a &amp; &#98;</Comment><Changes><Change><Action>UPSERT</Action>
                <ResourceRecordSet><Name>x.</Name><ResourceRecords><ResourceRecord><Value>&quot;v&quot;</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
              </Change></Changes></ChangeBatch>
            </ChangeResourceRecordSetsRequest>"#;
        let params = Params(Value::Object(body(text.as_bytes()).expect("a tree")));
        let batch = params.nested("ChangeBatch");
        assert_eq!(batch.text("Comment").as_deref(), Some("a & b"));
        let changes = batch.list("Changes");
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].text("Action").as_deref(), Some("UPSERT"));
        let records = changes[0]
            .nested("ResourceRecordSet")
            .list("ResourceRecords");
        assert_eq!(records[0].text("Value").as_deref(), Some("\"v\""));
    }

    #[test]
    fn bodies_that_are_not_xml_are_refused() {
        let deep = "<a>".repeat(100);
        for text in ["<a><b></a>", "<a>", "</a>", "<a>&nope;</a>", "text", &deep] {
            assert!(body(text.as_bytes()).is_err(), "{text:.20}");
        }
        assert!(body(b"").is_ok_and(|members| members.is_empty()));
    }
}
