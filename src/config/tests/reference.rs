//! The files in the folder `config`: they are what they say.

use std::path::Path;

use super::{SPACE, keys, load};
use crate::config::tree::{Node, Value};

const REFERENCE: &str = include_str!("../../../config/reference.toml");
const STARTER: &str = include_str!("../../../config/gatepass.toml");

/// The files that the reference names.
const FILES: [&str; 14] = [
    "keys.toml",
    "users.toml",
    "assertion.key",
    "issuer.pem",
    "jwks.json",
    "jwt.secret",
    "redis.password",
    "sentinel.password",
    "redis-ca.pem",
    "tls/ca.pem",
    "tls/ca.crl",
    "tls/site.pem",
    "tls/site.key",
    "tls/site.ocsp",
];

/// What the mark at the end of an option's line says of it.
#[derive(Debug, PartialEq)]
enum Mark<'a> {
    Default,
    Example,
    InsteadOf(Vec<&'a str>),
}

/// The lines that are options: the option and its mark.
fn options() -> impl Iterator<Item = (&'static str, Mark<'static>)> {
    let lines = REFERENCE.lines().filter_map(|line| line.strip_prefix('#'));
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(' '))
        .map(|line| match line.rsplit_once(" # ") {
            Some((_, "example")) => (line, Mark::Example),
            Some((_, mark)) if mark.starts_with("instead of ") => (
                line,
                Mark::InsteadOf(mark.split('`').skip(1).step_by(2).collect()),
            ),
            _ => (line, Mark::Default),
        })
}

fn key_of(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

/// All options that exclude no other and are for a store in a file, except those named `without` below the table `below`;
/// and the option `with` in its place.
fn everything(below: &str, without: &[&str], with: Option<&str>) -> String {
    let mut text = String::new();
    let mut table = "";
    for (line, mark) in options() {
        if line.starts_with('[') {
            table = line.split(' ').next().unwrap().trim_matches(['[', ']']);
        }
        let taken = match mark {
            Mark::InsteadOf(_) => with == Some(line),
            _ if table == "store.redis" => false,
            _ => !(table.starts_with(below) && without.contains(&key_of(line))),
        };
        if taken {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[test]
fn every_other_line_is_an_option_prose_or_blank() {
    for line in REFERENCE.lines() {
        let option = line
            .strip_prefix('#')
            .is_some_and(|l| l.starts_with('[') || l.contains('='));
        let prose = line.is_empty() || line == "#" || line.starts_with("# ");
        assert!(option || prose, "{line}");
        assert!(line.len() <= 105, "{line}");
    }
}

#[test]
fn the_reference_as_it_is_sets_nothing() {
    let options = load(&format!("{REFERENCE}\n{SPACE}"), &[]).options;
    assert_eq!(options.spaces.len(), 1);
}

#[test]
fn all_options_together_are_good() {
    let loaded = load(&everything("", &[], None), &FILES);
    assert_eq!(loaded.options.spaces[0].authn.len(), 6);
    // The configuration, keys and users, the assertion's key, five of TLS.
    assert_eq!(loaded.files_read.len(), 9, "{:?}", loaded.files_read);
}

/// The options of the tables `store` and `store.redis` with these marks, for a store in Redis.
fn redis_options(marks: &[Mark<'_>]) -> String {
    let mut text = String::new();
    let mut table = "";
    for (line, mark) in options() {
        if line.starts_with('[') {
            table = line;
        }
        if table.starts_with("[store") && marks.contains(&mark) && key_of(line) != "path" {
            text.push_str(&line.replace("\"file\"", "\"redis\""));
            text.push('\n');
        }
    }
    text
}

#[test]
fn all_options_of_redis_together_are_good() {
    let options = redis_options(&[Mark::Default, Mark::Example])
        .replace("\"single\"", "\"sentinel\"")
        .replace("\"closed\"", "\"serve-cached\"");
    let loaded = load(&format!("{options}{SPACE}"), &FILES);
    // The configuration, and three of Redis.
    assert_eq!(loaded.files_read.len(), 4, "{:?}", loaded.files_read);
    let shown = load(&format!("{}{SPACE}", redis_options(&[Mark::Default])), &[]);
    let plain = load(SPACE, &[]).options.store.redis;
    assert_eq!(shown.options.store.redis, plain);
}

#[test]
fn every_option_that_excludes_another_is_good_in_its_place() {
    let mut tried = 0;
    let mut table = "";
    for (line, mark) in options() {
        if line.starts_with('[') {
            table = line.split(' ').next().unwrap().trim_matches(['[', ']']);
        }
        if let Mark::InsteadOf(others) = mark {
            // `space.jwt.claims` excludes a key of `space.jwt`.
            let below: Vec<&str> = table.split('.').take(2).collect();
            load(&everything(&below.join("."), &others, Some(line)), &FILES);
            tried += 1;
        }
    }
    assert_eq!(tried, 7);
}

#[test]
fn what_the_reference_shows_as_default_is_the_default() {
    let mut shown = String::new();
    let mut table = "";
    for (line, _) in options().filter(|(_, mark)| *mark == Mark::Default) {
        if line.starts_with('[') {
            table = line;
        }
        if table == "[store.redis]" {
            continue;
        }
        shown.push_str(line);
        shown.push('\n');
        if line == "[[space]]" {
            shown.push_str(SPACE.trim_start().trim_start_matches("[[space]]"));
        }
    }
    let (mut shown, mut plain) = (load(&shown, &[]).options, load(SPACE, &[]).options);
    for options in [&mut shown, &mut plain] {
        // Each was read in a folder of its own.
        let path = &mut options.store.path;
        *path = path.file_name().unwrap().into();
    }
    assert_eq!(format!("{shown:#?}"), format!("{plain:#?}"));
}

#[test]
fn the_reference_has_every_key_there_is() {
    let mut text = String::new();
    for (line, mark) in options() {
        // A key twice in a table is no TOML: the second goes by another name, and its values
        // stay in view.
        if matches!(mark, Mark::InsteadOf(_)) && key_of(line) == "require" {
            text.push_str(&line.replace("require =", "require2 ="));
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    let document = toml::de::DeTable::parse(&text).unwrap();
    let tree = Node::from_document(&document);
    let mut written = Vec::new();
    collect(&tree, "", &mut written);
    for key in keys::all() {
        let key = key.replace("require.signed_in", "require2.signed_in");
        assert!(written.contains(&key), "`{key}` is not in reference.toml");
    }
}

fn collect(node: &Node, path: &str, written: &mut Vec<String>) {
    match &node.value {
        Value::Table(entries) => {
            for entry in entries {
                let path = match path {
                    "" => entry.key.clone(),
                    path => format!("{path}.{}", entry.key),
                };
                collect(&entry.node, &path, written);
                written.push(path);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, path, written)),
        _ => {}
    }
}

#[test]
fn the_starter_is_good_once_its_files_are_made() {
    let loaded = load(STARTER, &["keys.toml", "users.toml"]);
    assert_eq!(loaded.options.spaces[0].name, "Sales portal");
    assert!(Path::new(&loaded.files_read[0]).ends_with("gatepass.toml"));
}
