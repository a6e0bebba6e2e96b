//! The scripts. Each runs as one step, and touches keys of one slot only; of several where one
//! server has them all, in `create` (the way from a digest) and `read` (all streams).

use ::redis::Script;

/// All of them.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) create: Script,
    pub(super) import: Script,
    pub(super) end: Script,
    pub(super) end_user: Script,
    pub(super) touch: Script,
    pub(super) walk: Script,
    pub(super) purge: Script,
    pub(super) lock: Script,
    pub(super) locks: Script,
    pub(super) target: Script,
    pub(super) task: Script,
    pub(super) peak: Script,
    pub(super) read: Script,
    pub(super) undo: Script,
    pub(super) node: Script,
    pub(super) again: Script,
    pub(super) epoch: Script,
    pub(super) known: Script,
    pub(super) of_user: Script,
    pub(super) records: Script,
    pub(super) settle: Script,
    pub(super) swap: Script,
    pub(super) seat: Script,
    pub(super) refresh_lease: Script,
    pub(super) refresh_finish: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            create: script(include_str!("lua/create.lua")),
            import: script(include_str!("lua/import.lua")),
            end: script(include_str!("lua/end.lua")),
            end_user: script(include_str!("lua/end_user.lua")),
            touch: script(include_str!("lua/touch.lua")),
            walk: script(include_str!("lua/walk.lua")),
            purge: script(include_str!("lua/purge.lua")),
            lock: script(include_str!("lua/lock.lua")),
            locks: script(include_str!("lua/locks.lua")),
            target: script(include_str!("lua/target.lua")),
            task: script(include_str!("lua/task.lua")),
            peak: script(include_str!("lua/peak.lua")),
            read: script(include_str!("lua/read.lua")),
            undo: script(include_str!("lua/undo.lua")),
            node: script(include_str!("lua/node.lua")),
            again: script(include_str!("lua/again.lua")),
            epoch: script(include_str!("lua/epoch.lua")),
            known: script(include_str!("lua/known.lua")),
            of_user: script(include_str!("lua/of_user.lua")),
            records: script(include_str!("lua/records.lua")),
            settle: script(include_str!("lua/settle.lua")),
            swap: script(include_str!("lua/swap.lua")),
            seat: script(include_str!("lua/seat.lua")),
            refresh_lease: script(include_str!("lua/refresh_lease.lua")),
            refresh_finish: script(include_str!("lua/refresh_finish.lua")),
        }
    }
}

/// The one that reads the clock.
pub(super) fn time() -> Script {
    Script::new(include_str!("lua/time.lua"))
}

/// The script `own` after what all have in common; a line with flags stays the first.
fn script(own: &str) -> Script {
    let common = include_str!("lua/common.lua");
    match own
        .strip_prefix("#!")
        .and_then(|rest| rest.split_once('\n'))
    {
        Some((flags, rest)) => Script::new(&format!("#!{flags}\n{common}\n{rest}")),
        None => Script::new(&format!("{common}\n{own}")),
    }
}
