//! Lists, for people.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Table};

use crate::output;

/// Prints `rows` under `head`, in columns.
pub(crate) fn print<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head.map(Cell::new));
    for row in rows {
        table.add_row(row);
    }
    output::print(table.trim_fmt())
}
