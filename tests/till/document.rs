//! The document says what there is: its paths, its words, and an example that works.

use std::collections::BTreeSet;
use std::process::Command;

use yima::till::answer::{PROGRESS, PaymentState, STATUS};
use yima::till::problem::{Problem, ProblemKind};
use yima::till_server::PATHS;

use super::client::{Place, sale};
use super::spec::Spec;
use super::terminal::{AT_ONCE, Terminal};

#[test]
fn the_document_names_every_path_and_every_word() {
    let spec = Spec::read();
    let documented: BTreeSet<(String, String)> = spec.0["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (path.clone(), method.clone())))
        .collect();
    let served: BTreeSet<(String, String)> = PATHS
        .iter()
        .flat_map(|(path, methods)| methods.iter().map(move |method| ((*path).to_owned(), (*method).to_owned())))
        .collect();
    assert_eq!(documented, served);
    let schema = |name: &str, field: &str| spec.values(&format!("/components/schemas/{name}/properties/{field}/enum"));
    let states: Vec<_> = PaymentState::ALL.iter().map(|state| state.word()).collect();
    assert_eq!(schema("Payment", "state"), states);
    assert_eq!(schema("Payment", "progress"), PROGRESS);
    assert_eq!(schema("Status", "state"), STATUS);
    let problems: Vec<_> = ProblemKind::ALL.iter().map(|kind| Problem::of(*kind).kind).collect();
    assert_eq!(schema("Problem", "type"), problems);
}

#[test]
fn every_path_that_is_named_is_served() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    for (path, methods) in PATHS {
        for method in methods.iter().filter(|_| path != "/v1/events") {
            let answer = till.ask(&method.to_uppercase(), &path.replace("{key}", "no-such"), &[], None);
            assert!(!matches!(answer.problem(), "not-found" | "method-not-allowed"), "{method} {path}");
        }
    }
}

/// The example as a shop would run it: pairs, pays, asks again, gives back.
#[test]
fn the_example_pairs_and_takes_a_payment_and_never_twice() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let Place::Socket(socket) = running.place() else { panic!("a socket") };
    let key_file = terminal.folder.path().join("till.key");
    let example = |arguments: &[&str]| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/till-example.py");
        let mut command = Command::new("python3");
        command.arg(script).arg("--at").arg(format!("unix:{}", socket.display())).arg("--key-file").arg(&key_file);
        let output = command.args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), format!("{said}{}", String::from_utf8_lossy(&output.stderr)))
    };
    let (code, said) = example(&["pair", &terminal.code("example")]);
    assert_eq!(code, Some(0), "{said}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key_file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    for _ in 0..2 {
        let (code, said) = example(&["sale", "order-1", "12.34"]);
        assert!(code == Some(0) && said.contains("approved"), "{code:?} {said}");
    }
    assert_eq!(terminal.at_host(1234).len(), 1);
    let (code, said) = example(&["refund", "order-1-back", "order-1"]);
    assert!(code == Some(0) && said.contains("approved"), "{code:?} {said}");
    let (code, said) = example(&["sale", "order-2", "66.51"]);
    assert!(code == Some(1) && said.contains("declined"), "{code:?} {said}");
    let (code, said) = example(&["status"]);
    assert!(code == Some(0) && said.contains("TEST"), "{code:?} {said}");
    let till = running.till(&terminal, "example");
    assert_eq!(till.begin("order-1", &sale(1234)).status, 200, "who is paired again under its name is the same till");
    let (code, said) = example(&["status"]);
    assert!(code == Some(2) && said.contains("not paired"), "{code:?} {said}");
}
