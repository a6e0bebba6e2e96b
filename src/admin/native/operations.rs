//! What the description says of each route.

use crate::admin::openapi::{Answer, Link, Operation, Parameter};

pub(super) const SPACES: Operation = Operation::get("/api/v1/spaces", "listSpaces", "List spaces")
    .about("Those that the key may look at, in the configuration's order.")
    .answers(&[Answer::json(200, "The spaces", "Spaces")]);

pub(super) const SPACE: Operation =
    Operation::get("/api/v1/spaces/{space}", "getSpace", "Show a space")
        .answers(&[Answer::json(200, "The space", "Space"), NO_SPACE]);

pub(super) const LIST: Operation = Operation::get(
    "/api/v1/spaces/{space}/sessions",
    "listSessions",
    "List sessions",
)
.about(
    "Newest start first, unless `order_by` says otherwise. A page of the newest goes on behind \
     its cursor whatever starts and ends meanwhile; in another order a page begins after so \
     many. A cursor is of this list only and lives as long as the process.",
)
.parameters(&[
    STATE,
    USER_PARAMETER,
    FILTER,
    Parameter::query(
        "order_by",
        "The order: fields with commas between, `-` before a field for descending",
        r#"{"type":"string","maxLength":8192,"examples":["-last_active,id"]}"#,
    ),
    Parameter::query(
        "limit",
        "At most so many on a page; 100 unless given",
        r#"{"type":"integer","minimum":1,"maximum":1000,"default":100}"#,
    ),
    Parameter::query(
        "cursor",
        "`next` of the page before, with the same parameters",
        r#"{"type":"string"}"#,
    ),
    VIEW,
])
.answers(&[
    Answer::json(200, "A page", "SessionPage").links(FIRST_SESSION),
    BAD,
    NO_SPACE,
]);

pub(super) const GROUPS: Operation = Operation::get(
    "/api/v1/spaces/{space}/sessions/groups",
    "groupSessions",
    "Count sessions by a field",
)
.about("The largest group first. Texts are one group regardless of case.")
.parameters(&[
    Parameter::query(
        "group_by",
        "The field (required)",
        r#"{"type":"string","maxLength":8192,"examples":["user"]}"#,
    )
    .required(),
    STATE,
    USER_PARAMETER,
    FILTER,
    Parameter::query(
        "limit",
        "At most so many groups; 100 unless given",
        r#"{"type":"integer","minimum":1,"maximum":10000,"default":100}"#,
    ),
])
.answers(&[Answer::json(200, "The groups", "Groups"), BAD, NO_SPACE]);

pub(super) const SESSION: Operation = Operation::get(SESSION_PATH, "getSession", "Show a session")
    .about("Open or ended, for as long as ended ones are kept.")
    .parameters(&[VIEW])
    .answers(&[Answer::json(200, "The session", "Session"), BAD, NO_SESSION]);

pub(super) const END_SESSION: Operation =
    Operation::delete(SESSION_PATH, "endSession", "End a session")
        .about(
            "When this answers, the session is refused and its open WebSockets and streams are \
             cut. One that had ended before is answered as it is, so the call can be repeated.",
        )
        .parameters(&[VIEW])
        .answers(&[
            Answer::json(200, "The session as it is now", "Session"),
            BAD,
            NO_SESSION,
        ]);

pub(super) const END_MANY: Operation = Operation::post(
    "/api/v1/spaces/{space}/sessions/end",
    "endSessions",
    "End many sessions",
)
.about(
    "The sessions named, a user's, or all open ones that a filter lets through: exactly one of \
     `sessionIds`, `user` and `filter`. With `dryRun` nothing ends and the answer says what \
     would.\n\n\
     More than 1,000 sessions, or those that are not through after `wait` milliseconds, are \
     ended by a task in the background: ask for it until its status says that it has ended.",
)
.body("EndRequest")
.answers(&[
    Answer::json(200, "What became of them", "EndResult"),
    Answer::json(202, "A task is at it", "Task").links(THE_TASK),
    BAD_BODY,
    NO_SPACE,
    TOO_LARGE,
    NOT_JSON,
    BUSY,
]);

pub(super) const USER: Operation =
    Operation::get(USER_PATH, "listUserSessions", "List a user's sessions")
        .about("The open ones, newest first; of a user nobody knows, none.")
        .parameters(&[VIEW])
        .answers(&[Answer::json(200, "The sessions", "Sessions"), BAD, NO_SPACE]);

pub(super) const END_USER: Operation =
    Operation::delete(USER_PATH, "endUserSessions", "End a user's sessions")
        .about("All of them, those that are being opened at this moment included.")
        .parameters(&[VIEW])
        .answers(&[
            Answer::json(200, "The sessions that ended", "Sessions"),
            BAD,
            NO_SPACE,
        ]);

pub(super) const LOCK: Operation = Operation::put(LOCK_PATH, "lockUser", "Lock a user")
    .about(
        "Bars the user from new sessions in the space and ends the open ones. When this answers, \
         no login that began earlier comes out with a live session. A lock that the user had \
         gives way. Locks are kept by the process and end with it.",
    )
    .body("LockRequest")
    .answers(&[
        Answer::json(200, "The lock", "Locked"),
        BAD_BODY,
        NO_SPACE,
        TOO_LARGE,
        NOT_JSON,
        Answer::error(
            503,
            "The store does not answer, or too many users are locked",
        ),
    ]);

pub(super) const UNLOCK: Operation =
    Operation::delete(LOCK_PATH, "unlockUser", "Lift the lock on a user").answers(&[
        Answer::json(200, "The lock that was lifted", "Lifted"),
        Answer::error(404, "There is no such space, or the user is not locked"),
    ]);

pub(super) const LOCKS: Operation = Operation::get(
    "/api/v1/spaces/{space}/locks",
    "listLocks",
    "List locks on users",
)
.about("Those in force, by directory and id.")
.answers(&[Answer::json(200, "The locks", "Locks"), NO_SPACE]);

pub(super) const LICENSES: Operation = Operation::get(
    "/api/v1/spaces/{space}/licenses",
    "listLicenses",
    "Show how licenses are used",
)
.about(
    "Open sessions now, seats where they are limited, and the most that were open at a time on \
     each UTC day of the retention time, today's the last. Counted by the node \
     that answers, of sessions in its table. `license` null stands for sessions without one.",
)
.answers(&[Answer::json(200, "The licenses", "Licenses"), NO_SPACE]);

pub(super) const EVENTS: Operation = Operation::get(
    "/api/v1/events",
    "followEvents",
    "Follow starts and ends of sessions",
)
.about(
    "Server-sent events of the spaces that the key may look at: `session.started` and \
             `session.ended`, with an `Event` as data. Where a client comes again with \
             `Last-Event-ID` it misses nothing, unless too much has happened meanwhile: then an \
             event `gap` comes first. A comment comes at least every 15 seconds. The stream \
             ends when the server stops or its keys change. Where several servers share their \
             sessions, each tells what happened at itself; at another one a client begins with a \
             `gap`.",
)
.parameters(&[
    Parameter::query("space", "Only events of this space", r#"{"type":"string"}"#),
    Parameter::header(
        "Last-Event-ID",
        "The id of the last event that the client knows",
        r#"{"type":"string","pattern":"^[0-9a-f]{1,16}-[0-9]{1,19}$"}"#,
    ),
])
.answers(&[
    Answer::text(200, "The events", "text/event-stream"),
    Answer::error(404, "This side port has no events"),
]);

pub(super) const NODES: Operation = Operation::get("/api/v1/nodes", "listNodes", "List nodes")
    .about(
        "The gateways that share the sessions, by name; where sessions are not shared, this one. \
         One that was killed is listed for ten seconds more, one that was stopped is gone at \
         once. For site administrators.",
    )
    .answers(&[Answer::json(200, "The nodes", "Nodes")]);

pub(super) const TASKS: Operation = Operation::get(
    "/api/v1/spaces/{space}/tasks",
    "listTasks",
    "List background tasks",
)
.about("Newest first. One that has ended is kept for a day.")
.answers(&[Answer::json(200, "The tasks", "Tasks"), NO_SPACE]);

pub(super) const TASK: Operation = Operation::get(
    "/api/v1/spaces/{space}/tasks/{task}",
    "getTask",
    "Show a background task",
)
.about(
    "`completed` means that every session is refused from then on; with      `completed_with_errors` some did not exist; `failed` did not go through, and can be asked      for again, as what has ended stays so.",
)
.parameters(&[Parameter::query(
    "wait",
    "How long to wait for its end, in milliseconds",
    r#"{"type":"integer","minimum":0,"maximum":25000,"default":0}"#,
)])
.answers(&[
    Answer::json(200, "The task", "Task"),
    BAD,
    Answer::error(404, "There is no such space or task"),
]);

pub(super) const EXPORT: Operation = Operation::get(
    "/api/v1/store/export",
    "exportStore",
    "Export what the store keeps",
)
.about(
    "For site administrators: sessions, open and ended, of all spaces and of all gateways that \
     share the store, locks, background tasks that have ended, and peaks of licenses, as lines of \
     JSON; of tokens the digests only. Nothing waits for it. A session that is open from the \
     beginning to the end is there once; one that ends meanwhile may be there as open and again as \
     it ended; one that begins meanwhile may be missing. An export that cannot go on breaks off.",
)
.answers(&[Answer::text(200, "The lines", "application/x-ndjson"), BUSY]);

pub(super) const IMPORT: Operation = Operation::post(
    "/api/v1/store/import",
    "importStore",
    "Import what another store kept",
)
.about(
    "For site administrators: lines as an export has them, of any length in all. Imported sessions \
     can be used at once, on every gateway that shares the store; limits on users and licenses \
     neither end them nor keep them out, and those whose time is up or whose user is locked end. \
     What is here stays: what has ended stays ended, and of locks, tasks and sessions that are \
     here nothing changes but that the latest activity of a session counts, and that one which is \
     open here ends when it had ended there. So the same lines can be imported again, and a later \
     export on top of an earlier one.\n\n\
     Lines are taken in batches: all of a batch are read before any is written. When some are bad \
     the answer names them by their numbers, and says up to which line all was imported.",
)
.body_of("application/x-ndjson", "ImportLines")
.answers(&[
    Answer::json(200, "What was imported", "Imported"),
    BAD_BODY,
    NOT_JSON,
    BUSY,
]);

/// The variable segments of the paths.
pub(super) const SEGMENTS: &[Parameter] = &[
    Parameter::segment(
        "space",
        "The space's id",
        r#"{"type":"string","minLength":1,"maxLength":64,"examples":["1001"]}"#,
    ),
    Parameter::segment(
        "session",
        "The session's id",
        r#"{"type":"string","format":"uuid"}"#,
    ),
    Parameter::segment(
        "directory",
        "The user's directory",
        r#"{"type":"string","minLength":1}"#,
    ),
    Parameter::segment(
        "id",
        "The user's id in the directory",
        r#"{"type":"string","minLength":1}"#,
    ),
    Parameter::segment(
        "task",
        "The task's id",
        r#"{"type":"string","pattern":"^[0-9]{1,20}$"}"#,
    ),
];

/// The errors that all routes have.
pub(super) const ERRORS: &[Answer] = &[
    Answer::error(400, "The path, the query or the host cannot be understood"),
    Answer::error(401, "No valid API key, and no client certificate"),
    Answer::error(
        403,
        "The caller may not do this, or a page of another origin asks",
    ),
    Answer::error(421, "The side port does not answer to this host"),
    Answer::empty(414, "The target is longer than 65,534 bytes"),
    Answer::empty(431, "The head is too large"),
    Answer::error(429, "Too many failed attempts; see `Retry-After`"),
    Answer::error(
        503,
        "The session store does not answer, or too much is under way",
    ),
];

const SESSION_PATH: &str = "/api/v1/spaces/{space}/sessions/{session}";
const USER_PATH: &str = "/api/v1/spaces/{space}/users/{directory}/{id}/sessions";

const LOCK_PATH: &str = "/api/v1/spaces/{space}/users/{directory}/{id}/lock";

const FIRST_SESSION: &[Link] = &[session_link("getSession"), session_link("endSession")];
const THE_TASK: &[Link] = &[Link {
    operation: "getTask",
    parameters: &[
        ("space", "$request.path.space"),
        ("task", "$response.body#/taskId"),
    ],
}];

const fn session_link(operation: &'static str) -> Link {
    Link {
        operation,
        parameters: &[
            ("space", "$request.path.space"),
            ("session", "$response.body#/sessions/0/sessionId"),
        ],
    }
}

const BAD: Answer = Answer::error(400, "The query cannot be understood: see `detail`");
const BAD_BODY: Answer = Answer::error(400, "The body cannot be understood: see `detail`");
const BUSY: Answer = Answer::error(503, "The store does not answer, or too many tasks wait");
const TOO_LARGE: Answer = Answer::error(413, "The body is too large");
const NOT_JSON: Answer = Answer::error(415, "The body is not declared as JSON");
const NO_SPACE: Answer = Answer::error(404, "There is no such space");
const NO_SESSION: Answer = Answer::error(404, "There is no such space or session");

const STATE: Parameter = Parameter::query(
    "state",
    "Which sessions; `open` unless given",
    r#"{"type":"string","enum":["open","ended","all"],"default":"open"}"#,
);
const USER_PARAMETER: Parameter = Parameter::query(
    "user",
    r"Only those of a user, as directory\id",
    r#"{"type":"string","examples":["DEMO\\alice"]}"#,
);
const FILTER: Parameter = Parameter::query(
    "filter",
    "Only those that it lets through, in the filter language",
    r#"{"type":"string","maxLength":8192,"examples":["user={name='a*'};client_type='UI'"]}"#,
);
const VIEW: Parameter = Parameter::query(
    "view",
    "How much of a session to show; `basic` unless given",
    r#"{"type":"string","enum":["basic","full"],"default":"basic"}"#,
);
