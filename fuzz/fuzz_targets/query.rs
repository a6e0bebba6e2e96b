//! No text from outside may panic, and what is printed reads back.

#![no_main]

use gatepass::query::{
    Field, FieldValue, Kind, Limits, OrderBy, Query, QueryError, Record, Schema, Selection,
};
use libfuzzer_sys::fuzz_target;

static USER: [Field<usize>; 2] = [
    Field::new("id", Kind::Id, 6).filterable(),
    Field::new("name", Kind::Text, 7).filterable(),
];
static FIELDS: [Field<usize>; 7] = [
    Field::new("id", Kind::Id, 0)
        .never_null()
        .filterable()
        .sortable(),
    Field::new("type", Kind::Enum, 1)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("ip", Kind::Text, 2)
        .filterable()
        .sortable()
        .groupable(),
    Field::new("start", Kind::Timestamp, 3)
        .never_null()
        .filterable()
        .sortable(),
    Field::new("end", Kind::Timestamp, 4)
        .alias(&["end_time"])
        .filterable()
        .sortable(),
    Field::new("load", Kind::Number, 5).filterable(),
    Field::reference("user", 6, &USER)
        .filterable()
        .sortable()
        .groupable(),
];
static SCHEMA: Schema<usize> = Schema::new(&FIELDS);

struct Row<'t>(&'t str);

impl Record for Row<'_> {
    type Column = usize;

    fn value(&self, column: usize) -> FieldValue<'_> {
        match column {
            3 => FieldValue::Timestamp(self.0.len() as i64),
            4 => FieldValue::Null,
            5 => FieldValue::Number(self.0.len() as f64),
            _ => FieldValue::Text(self.0),
        }
    }
}

fn told(text: &str, error: &QueryError) {
    assert!(error.offset() <= text.len());
    assert!(error.describe(text).ends_with('^'));
}

fuzz_target!(|input: (&str, &str)| {
    let (text, value) = input;
    let printable = Limits::FILTER.with_text(1 << 20);
    match Query::parse(text, &Limits::FILTER.with_id_lists("id")) {
        Err(error) => told(text, &error),
        Ok(query) => {
            let printed = query.to_string();
            if Query::parse(text, &Limits::FILTER).is_ok() {
                assert_eq!(Query::parse(&printed, &printable).as_ref(), Ok(&query));
            }
            let listed = query.union_of_ids(&SCHEMA);
            match query.compile(&SCHEMA) {
                Err(error) => told(text, &error),
                Ok(compiled) => {
                    let matches = compiled.matches(&Row(value));
                    assert!(!(matches && compiled.matches_none()));
                    assert!(matches || !compiled.matches_all());
                    if let (true, Some(ids), Some(listed)) = (matches, compiled.ids(), listed) {
                        assert!(ids.len() <= listed.len());
                    }
                }
            }
        }
    }
    let errors = [
        OrderBy::parse(text, &SCHEMA).err(),
        SCHEMA.group_by(text).err(),
        Selection::parse(text, &SCHEMA).err(),
        Selection::parse_expand(text, &SCHEMA).err(),
    ];
    for error in errors.into_iter().flatten() {
        told(text, &error);
    }
});
