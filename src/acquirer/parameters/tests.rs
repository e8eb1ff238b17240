use super::*;
use crate::emv::ca_keys::{KeyEntry, Rid};
use crate::iso8583::Dialect;

/// A host with three keys and two applications that gives its lists in parts of two.
struct Host {
    rules: ParameterRules,
    keys: Vec<KeyEntry>,
    applications: Vec<AidEntry>,
    tables: HostTables,
    asked: Vec<String>,
}

const TABLES: &str = r#"
terminal = { answer_timeout_s = 45, sale_limit = 500000, trailer = ["95516"], other = { 13 = "33" } }
card = [{ prefix = "62", bank = "A", kind = "debit" }, { prefix = "41", bank = "B", kind = "credit", refused = true }]
text = [{ code = "51", zh = "钱不够。" }]
"#;

/// One record, and whether others follow.
fn part(records: Vec<Vec<u8>>, asked: &[u8]) -> Vec<u8> {
    let received = tables::received(asked).unwrap();
    let mut field = tables::write_records(&records[..records.len().min(received + 1)], received).unwrap();
    if received + 1 < records.len() {
        field[0] = b'2';
    }
    field
}

fn key(index: &str) -> KeyEntry {
    KeyEntry {
        rid: "A000000333".to_owned(),
        index: index.to_owned(),
        exponent: "03".to_owned(),
        expiry: None,
        hash: "00".repeat(20),
        source: Some("the acquirer's host".to_owned()),
        modulus: "C1C1".to_owned(),
    }
}

impl Host {
    fn new() -> Self {
        Self {
            rules: Dialect::shipped("unionpay").unwrap().parameters,
            keys: ["09", "0A", "0B"].map(key).to_vec(),
            applications: AidEntry::all_of(TerminalData::SHIPPED_APPLICATIONS).unwrap()[..2].to_vec(),
            tables: HostTables::parse(TABLES).unwrap(),
            asked: Vec::new(),
        }
    }

    fn table_rules(&self) -> &TableRules {
        self.rules.tables.as_ref().unwrap()
    }

    fn reply(&mut self, question: &Question) -> Vec<u8> {
        self.asked.push(format!("{} {}", question.mti, question.code));
        let field = question.field62.clone().unwrap_or_default();
        let page = |names: Vec<Vec<u8>>| {
            let received = field62::names_received(&field).unwrap();
            let rest = names.get(received..).unwrap_or_default();
            field62::write_page(&rest[..rest.len().min(2)], received == 0, rest.len() > 2)
        };
        match question.code.as_str() {
            "372" => page(self.keys.iter().map(|key| field62::write_key_name(name(key))).collect()),
            "370" => {
                let wanted = field62::read_key_name(&field).unwrap();
                field62::write_ca_key(self.keys.iter().find(|key| name(key) == wanted).unwrap()).unwrap()
            }
            "382" => page(self.applications.iter().map(aid_name).collect()),
            "380" => {
                let wanted = hex::encode(&field62::read_application_name(&field).unwrap());
                let entry = self.applications.iter().find(|entry| entry.aid == wanted).unwrap();
                field62::write_application(entry, self.rules.amounts).unwrap()
            }
            "371" | "381" | "361" | "391" | "393" | "395" => Vec::new(),
            "360" => tables::write_terminal(&self.tables.terminal, &self.table_rules().layout).unwrap(),
            "394" => tables::write_business(&self.tables.terminal, &self.table_rules().tags).unwrap(),
            // One record a part.
            "390" => part(self.tables.card.iter().map(tables::write_card).collect(), &field),
            "392" => part(self.tables.text.iter().map(tables::write_text).collect(), &field),
            other => panic!("{other}"),
        }
    }

    /// Fetches, with one answer changed on its way.
    fn fetch(&mut self, changed: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Result<Download, DownloadError> {
        let rules = self.rules.clone();
        fetch(&rules, &NumberKey::new(vec![7; 32].into()), "https://host.example".to_owned(), &mut |question| {
            let field62 = self.reply(question);
            let field62 = if question.code == changed { change(field62) } else { field62 };
            Ok(Reply { response_code: ResponseCode::parse("00").unwrap(), field62 })
        })
    }
}

fn name(key: &KeyEntry) -> KeyName {
    let rid = Rid(hex::decode(&key.rid).unwrap().try_into().unwrap());
    KeyName { rid, index: hex::decode(&key.index).unwrap()[0] }
}

fn aid_name(entry: &AidEntry) -> Vec<u8> {
    field62::write_application_name(&hex::decode(&entry.aid).unwrap())
}

#[test]
fn one_value_that_cannot_count_keeps_nothing_else_from_being_taken() {
    let mut host = Host::new();
    host.tables.terminal.tries = Some(2);
    let download = host.fetch("", |field| field).unwrap();
    let TerminalParameters { tries, adjusted, answer_timeout_s, .. } = download.set.tables.terminal;
    assert_eq!((tries, answer_timeout_s), (Some(3), Some(45)));
    assert_eq!(adjusted, ["tries of the queue: 2 was sent, 3 counts"]);
    assert_eq!(download.set.ca_keys.len(), 3);
}

#[test]
fn all_that_the_host_has_is_fetched_and_its_end_told_afterwards() {
    let mut host = Host::new();
    let download = host.fetch("", |field| field).unwrap();
    assert_eq!(download.set.ca_keys, host.keys);
    let entries: Vec<_> = download.set.applications.iter().map(|application| application.entry.clone()).collect();
    assert_eq!(entries, host.applications, "with the default TDOL of the same application");
    assert_eq!(
        host.asked,
        [
            "0820 372", "0820 372", "0800 370", "0800 370", "0800 370", "0820 382", "0800 380", "0800 380", "0800 360",
            "0800 394", "0800 390", "0800 390", "0800 392"
        ]
    );
    assert_eq!(download.set.tables, host.tables);
    host.asked.clear();
    let rules = host.rules.clone();
    confirm(&rules, &mut |question| {
        Ok(Reply { response_code: ResponseCode::parse("00").unwrap(), field62: host.reply(question) })
    })
    .unwrap();
    assert_eq!(host.asked, ["0800 371", "0800 381", "0800 361", "0800 395", "0800 391", "0800 393"]);
}

#[test]
fn a_key_of_another_algorithm_is_left_out_and_named() {
    let mut host = Host::new();
    let sm2 = |field: Vec<u8>| hex::decode(&hex::encode(&field).replace("DF070101", "DF070104")).unwrap();
    let download = host.fetch("370", sm2).unwrap();
    assert!(download.set.ca_keys.is_empty());
    assert_eq!(download.unusable.iter().map(|name| name.index).collect::<Vec<_>>(), [0x09, 0x0A, 0x0B]);
}

#[test]
fn an_answer_that_is_not_what_was_asked_for_ends_the_download_with_its_name() {
    let replaced = |from: &'static str, to: &'static str| {
        move |field: Vec<u8>| hex::decode(&hex::encode(&field).replace(from, to)).unwrap()
    };
    for (code, from, to, said) in [
        (
            "370",
            "9F220109",
            "9F22010C",
            "CA key A000000333 09: the host listed it and answered with CA key A000000333 0C",
        ),
        ("380", "333010101", "333010104", "application A000000333010101: the host listed it and answered with"),
        ("372", "9F22010A", "9F220109", "the list of CA keys: it has the same name twice"),
        ("382", "9F06", "9F26", "application"),
    ] {
        let result = Host::new().fetch(code, replaced(from, to));
        if code == "382" {
            assert!(result.unwrap().set.applications.is_empty(), "what names nothing lists nothing");
            continue;
        }
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
    let error = Host::new().fetch("370", |_| field62::write_nothing()).unwrap_err().to_string();
    assert!(error.contains("answered with nothing"), "{error}");
    for (code, field, said) in [
        ("360", &b"99"[..], "the terminal's parameters: field 62, parameter 99 at byte 0"),
        ("394", b"\xDF", "the parameters about payments: field 62, the whole"),
        ("390", b"2", "the card list: it says that more follows and brings nothing"),
        ("392", b"9", "the words for response codes: field 62, the whole"),
    ] {
        let error = Host::new().fetch(code, |_| field.to_vec()).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
    let error = Host::new().fetch("372", |_| b"2".to_vec()).unwrap_err().to_string();
    assert!(error.contains("more follows and names nothing"), "{error}");
    let page = field62::write_page(&[field62::write_key_name(name(&key("09")))], true, true);
    let error = Host::new().fetch("372", |_| page.clone()).unwrap_err().to_string();
    assert!(error.contains("more than 99 names"), "{error}");
}

#[test]
fn a_refusal_and_a_broken_line_end_the_download() {
    let rules = Host::new().rules;
    let numbers = NumberKey::new(vec![7; 32].into());
    let refused = fetch(&rules, &numbers, String::new(), &mut |_| {
        Ok(Reply { response_code: ResponseCode::parse("97").unwrap(), field62: Vec::new() })
    });
    assert!(refused.unwrap_err().to_string().starts_with("the list of CA keys: the host refused with 97"));
    let silent = fetch(&rules, &numbers, String::new(), &mut |_| Err(LinkFailure::NoAnswer("too late".to_owned())));
    assert!(silent.unwrap_err().to_string().contains("too late"));
}
