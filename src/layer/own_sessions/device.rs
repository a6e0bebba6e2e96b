//! What a User-Agent header says, in words that its owner knows.

use std::borrow::Cow;

/// The browser or program and the system it runs on, as in `Firefox on Windows`,
/// `Chrome on Android` or `curl 8.5`; the beginning of the header where it says neither.
///
/// For people to tell their devices apart, and for nothing else: a client may claim to be any.
pub(super) fn device(user_agent: Option<&str>) -> Cow<'_, str> {
    let text = user_agent.unwrap_or_default().trim();
    if text.is_empty() {
        return "Unknown device".into();
    }
    match (find(text, &BROWSERS), find(text, &SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}").into(),
        (Some(browser), None) => browser.into(),
        (None, system) => match program(text) {
            Some(program) => program,
            None if text.starts_with("Mozilla/") && system.is_some() => {
                format!("Browser on {}", system.unwrap_or_default()).into()
            }
            None => beginning(text),
        },
    }
}

/// What stands in a header, and what people call it; the first that is there is meant, so
/// what claims to be another comes before the other.
type Names = [(&'static str, &'static str)];

const BROWSERS: [(&str, &str); 23] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("Opera/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Electron/", "Desktop app"),
    ("FxiOS/", "Firefox"),
    ("Seamonkey/", "SeaMonkey"),
    ("SeaMonkey/", "SeaMonkey"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Trident/", "Internet Explorer"),
    ("MSIE ", "Internet Explorer"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 12] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
    ("SMART-TV", "TV"),
];

fn find(text: &str, names: &Names) -> Option<&'static str> {
    let mut names = names.iter();
    let (_, name) = names.find(|(mark, _)| starts_a_word(text, mark))?;
    Some(name)
}

/// Whether `mark` stands in `text`, not in the middle of a word.
fn starts_a_word(text: &str, mark: &str) -> bool {
    text.match_indices(mark).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|c| !c.is_ascii_alphanumeric())
    })
}

/// A program that names itself as RFC 9110 has it, `name/version`: its name and the first two
/// numbers of the version.
fn program(text: &str) -> Option<Cow<'_, str>> {
    let product = text.split(' ').next().unwrap_or_default();
    let (name, version) = product.split_once('/').unwrap_or((product, ""));
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let is_name = (1..=MOST_OF_NAME).contains(&name.len())
        && name.bytes().all(is_word)
        && name.bytes().any(|b| b.is_ascii_alphabetic());
    if !is_name || name == "Mozilla" {
        return None;
    }
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let numbers: Vec<_> = version
        .trim_start_matches('v')
        .split('.')
        .take_while(number)
        .take(2)
        .collect();
    if numbers.is_empty() || numbers.iter().any(|number| number.len() > 8) {
        // A sentence that begins with a word is no name; a word alone is.
        return (product == text && version.is_empty()).then_some(name.into());
    }
    Some(format!("{name} {}", numbers.join(".")).into())
}

/// Characters of a header that are shown where it is not understood.
const MOST: usize = 60;
/// Bytes of a program's name.
const MOST_OF_NAME: usize = 40;

fn beginning(text: &str) -> Cow<'_, str> {
    // What is no character of its own, or turns others around, is left to nobody's eyes.
    let is_plain = |c: char| !c.is_control() && !is_format(c);
    let mut chars = text.chars().filter(|c| is_plain(*c));
    let mut shown: String = chars.by_ref().take(MOST).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    if shown.trim().is_empty() {
        return "Unknown device".into();
    }
    shown.into()
}

/// Characters without a width, and those that change the direction of others.
const fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_know_their_browsers() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0",
                "Opera on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
                "Firefox on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/131.0 Mobile/15E148 Safari/605.1.15",
                "Firefox on iPad",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
                "Headless Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
                "Internet Explorer on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Teams/1.7 Chrome/120.0.0.0 Electron/28.0 Safari/537.36",
                "Desktop app on Windows",
            ),
            ("Mozilla/5.0 (Linux; U; something else)", "Browser on Linux"),
        ] {
            assert_eq!(device(Some(agent)), expected, "{agent}");
        }
    }

    #[test]
    fn programs_say_who_they_are() {
        for (agent, expected) in [
            ("curl/8.5.0", "curl 8.5"),
            ("curl/8", "curl 8"),
            ("python-requests/2.32.3", "python-requests 2.32"),
            ("Go-http-client/1.1", "Go-http-client 1.1"),
            ("PostmanRuntime/7.43.0 (x; Linux)", "PostmanRuntime 7.43"),
            (
                "Apache-HttpClient/4.5.14 (Java/17.0.9)",
                "Apache-HttpClient 4.5",
            ),
            ("kube-probe/v1.31.2-rc1", "kube-probe 1.31"),
            ("node", "node"),
            (
                "my own script, second edition",
                "my own script, second edition",
            ),
            ("Mozilla/5.0", "Mozilla/5.0"),
            ("tool/abc", "tool/abc"),
            ("NotFirefox/1", "NotFirefox 1"),
            ("  ", "Unknown device"),
            ("\u{202e}\u{200b}", "Unknown device"),
            ("a\u{202e}b c", "ab c"),
        ] {
            assert_eq!(device(Some(agent)), expected, "{agent}");
        }
        assert_eq!(device(None), "Unknown device");
        let long = "x y ".repeat(40);
        let shown = device(Some(&long)).into_owned();
        assert_eq!(shown, format!("{}…", &long[..60]));
        let name = format!("{}/1.0", "n".repeat(200));
        assert_eq!(device(Some(&name)).chars().count(), 61);
    }

    proptest! {
        #[test]
        fn whatever_a_client_sends_is_short_and_never_empty(agent in any::<String>(), mark in prop::sample::select(vec!["", "Mozilla/5.0 (", "Chrome/", "a/1.2"])) {
            let agent = format!("{mark}{agent}");
            let shown = device(Some(&agent));
            prop_assert!(!shown.trim().is_empty());
            prop_assert!(shown.chars().count() <= MOST + 1, "{}", shown);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_format(c)), "{:?}", shown);
        }
    }
}
