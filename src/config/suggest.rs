//! What somebody may have meant.

/// The one of `known` that `written` is a slip of, when there is one: at most a third of
/// its letters are changed, added, dropped or swapped with a neighbour.
pub(super) fn closest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let allowed = (written.len().max(3) / 3).min(3);
    known
        .iter()
        .map(|name| (distance(written, name), *name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Edits from `a` to `b` (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognized_and_a_guess_is_not_made() {
        let known = [
            "idle_timeout",
            "absolute_timeout",
            "max_per_user",
            "on_limit",
        ];
        assert_eq!(closest("idle_timout", &known), Some("idle_timeout"));
        assert_eq!(closest("idel_timeout", &known), Some("idle_timeout"));
        assert_eq!(closest("max_per_users", &known), Some("max_per_user"));
        assert_eq!(closest("tls", &known), None);
        assert_eq!(closest("timeout", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
