//! The table of commands: a row here and a file is all that a command takes. The docs are made from it.

use std::pin::Pin;

use duolog_topics::Millis;
use parking_lot::Mutex;

use super::context::Context;
use super::error::ApiError;
use super::fields::Object;
use super::reply::Reply;
use super::{
    all_member_push, config_svc, im_open_login_svc, open_msg_svc, openconfigsvr, openim, profile, recentcontact, sns,
};
use crate::error::Code;
use crate::gateway::bucket::Bucket;

/// What the commands of a service have in common.
#[derive(Debug)]
pub struct Service {
    /// As in the URL.
    pub name: &'static str,
    /// The body is no JSON object.
    pub malformed: Code,
    /// A field is missing or wrong, and has no code of its own.
    pub invalid: Code,
    /// Its replies have an `ErrorDisplay`.
    pub error_display: bool,
}

/// How often a command may be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rate {
    /// As the configuration says.
    Standard,
    /// Not more than so many times a second, as in the API that ours follows.
    AtMost(u32),
}

/// A command that was asked for; it holds what it needs of its request.
pub type Running<'c> = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send + 'c>>;

type Run = for<'c> fn(&'c Context<'c>, &Object<'_>) -> Result<Running<'c>, ApiError>;

/// A row of the table.
#[derive(Debug)]
pub struct Command {
    service: &'static Service,
    command: &'static str,
    name: &'static str,
    pub rate: Rate,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What else than 0 it answers as `ErrorCode`, besides what the front and the service do.
    pub codes: &'static [u32],
    /// What else than 0 stands beside single accounts of its reply.
    pub each: &'static [u32],
    /// Its replies are pages: the members of one that ask for the next. Otherwise none.
    pub pages: &'static [&'static str],
    place: usize,
    run: Run,
}

impl Command {
    pub fn service(&self) -> &'static Service {
        self.service
    }

    /// `<service>/<command>`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its place in [`ALL`].
    pub fn place(&self) -> usize {
        self.place
    }

    /// Parses the request; what comes back runs it.
    ///
    /// # Errors
    /// What the command's file says.
    pub fn run<'c>(&self, context: &'c Context<'c>, request: &Object<'_>) -> Result<Running<'c>, ApiError> {
        (self.run)(context, request)
    }
}

/// Makes [`SERVICES`] and [`ALL`]. The first path segment of a row is the service's module, the second the command's.
macro_rules! commands {
    ($( $service:ident $name:literal malformed $malformed:ident invalid $invalid:ident display $display:literal {
        $( $module:ident $command:literal $rate:expr, [$($code:literal),*] each [$($each:literal),*] $(pages [$($page:literal),*])?, $summary:literal; )*
    } )*) => {
        /// Every service.
        pub static SERVICES: &[Service] = &[$( Service {
            name: $name,
            malformed: Code::$malformed,
            invalid: Code::$invalid,
            error_display: $display,
        }, )*];

        #[expect(non_camel_case_types, reason = "named as the modules that they count")]
        #[derive(Clone, Copy)]
        enum ServicePlace { $( $service, )* }

        #[expect(non_camel_case_types, reason = "named as the modules that they count")]
        enum Place { $( $( $module, )* )* }

        /// Every command, in the order of the services.
        pub static ALL: &[Command] = &[$( $( Command {
            service: &SERVICES[ServicePlace::$service as usize],
            command: $command,
            name: concat!($name, "/", $command),
            rate: $rate,
            summary: $summary,
            codes: &[$($code),*],
            each: &[$($each),*],
            pages: &[$($($page),*)?],
            place: Place::$module as usize,
            run: |context, request| {
                let request = $service::$module::Request::parse(request.fields(Code::$invalid))?;
                Ok(Box::pin($service::$module::run(context, request)))
            },
        }, )* )*];
    };
}

use Rate::{AtMost, Standard};

commands! {
    im_open_login_svc "im_open_login_svc" malformed JSON_INVALID invalid ACCOUNT_PARAMETER_INVALID display false {
        account_import "account_import" Standard, [70402] each [],
            "Makes an account, or sets its nickname and picture.";
        multiaccount_import "multiaccount_import" AtMost(100), [70206, 70402] each [],
            "Makes up to 100 accounts.";
        account_check "account_check" AtMost(100), [70206, 70402] each [70402],
            "Tells which of up to 100 accounts exist.";
        account_delete "account_delete" AtMost(100), [70206, 70402] each [70107, 70402, 71000],
            "Deletes up to 100 accounts with all that is theirs.";
        kick "kick" Standard, [70107, 70402] each [],
            "Ends an account's sessions and makes its signatures so far unusable.";
    }
    openim "openim" malformed MESSAGE_JSON_INVALID invalid MESSAGE_JSON_INVALID display false {
        sendmsg "sendmsg" Standard,
            [80002, 90001, 90002, 90003, 90005, 90006, 90007, 90008, 90010, 90031, 90043, 90044] each [],
            "Sends a message in anybody's name.";
        batchsendmsg "batchsendmsg" Standard,
            [90001, 90002, 90003, 90005, 90006, 90007, 90008, 90010, 90011, 90012, 90031, 90043, 90044, 90055] each [70107],
            "Sends a message to up to 500 accounts.";
        importmsg "importmsg" Standard, [80002, 90001, 90002, 90003, 90005, 90006, 90007, 90008, 90010, 90030] each [],
            "Puts a message of an older system into history, at its own time.";
        admin_getroammsg "admin_getroammsg" Standard, [90001, 90003, 90008, 90054] each []
            pages ["LastMsgTime", "LastMsgKey"],
            "Reads a conversation's history, newest page first.";
        admin_msgwithdraw "admin_msgwithdraw" Standard, [20022, 20023, 90003, 90008, 90054] each [],
            "Takes a message back, of any age.";
        admin_set_msg_read "admin_set_msg_read" Standard, [90001, 90003, 90008] each [],
            "Marks a conversation as read.";
        get_c2c_unread_msg_num "get_c2c_unread_msg_num" Standard, [90001, 90003, 90018] each [70107],
            "Counts unread messages.";
        modify_c2c_msg "modify_c2c_msg" Standard,
            [20022, 20023, 80002, 90001, 90002, 90003, 90007, 90008, 90010, 90054] each [],
            "Replaces the body or the custom data of a message.";
        c2c_msg_read_receipt "c2c_msg_read_receipt" Standard, [20022, 90001, 90003, 90008, 90054] each [],
            "Confirms single messages as read.";
        delete_c2c_msg_ramble "delete_c2c_msg_ramble" Standard, [90001, 90003, 90008, 90054] each [],
            "Deletes messages from one user's view.";
        query_online_status "query_online_status" Standard, [70107, 90001, 90018] each [70107],
            "Tells which of up to 500 accounts are online, and where.";
        querystate "querystate" Standard, [70107, 90001, 90018] each [70107],
            "The older name of query_online_status.";
        im_push_older "im_push" Standard,
            [80002, 90001, 90002, 90005, 90007, 90008, 90010, 90022, 90024, 90032, 90033, 90034, 90039, 90040,
             90043, 90044, 90045, 90047] each [],
            "The older name of all_member_push/im_push.";
    }
    all_member_push "all_member_push" malformed MESSAGE_JSON_INVALID invalid MESSAGE_JSON_INVALID display false {
        im_push "im_push" Standard,
            [80002, 90001, 90002, 90005, 90007, 90008, 90010, 90022, 90024, 90032, 90033, 90034, 90039, 90040,
             90043, 90044, 90045, 90047] each [],
            "Pushes a message to all accounts; at most 100 a day, a second apart.";
    }
    sns "sns" malformed JSON_INVALID invalid RELATION_PARAMETER_INVALID display true {
        black_list_add "black_list_add" Standard, [30001, 30003] each [30001, 30003, 30013],
            "Blocks accounts for a user.";
        black_list_delete "black_list_delete" Standard, [30001, 30003] each [30003],
            "Unblocks accounts for a user.";
        black_list_get "black_list_get" Standard, [30001, 30003] each [] pages ["StartIndex"],
            "Lists whom a user has blocked.";
        black_list_check "black_list_check" Standard, [30001, 30003] each [30003],
            "Tells who has blocked whom.";
        friend_add "friend_add" Standard,
            [30001, 30003] each [30001, 30003, 30009, 30010, 30012, 30014, 30515, 30516, 30525, 30539],
            "Adds friends.";
        friend_import "friend_import" Standard,
            [30001, 30003] each [30001, 30003, 30010, 30515, 30525, 40009, 40601, 40610],
            "Adds friends without asking them.";
        friend_update "friend_update" Standard, [30001, 30003] each [30001, 30011, 31704, 40009, 40601, 40610],
            "Changes remarks and groups of friends.";
        friend_delete "friend_delete" Standard, [30001, 30003] each [31704],
            "Removes friends.";
        friend_delete_all "friend_delete_all" Standard, [30001, 30003] each [],
            "Removes all friends of a user.";
        friend_check "friend_check" Standard, [30001, 30003] each [30003],
            "Tells who lists whom as a friend.";
        friend_get "friend_get" Standard, [30001, 30003] each [] pages ["NextStartIndex"],
            "Lists a user's friends.";
        friend_get_list "friend_get_list" Standard, [30001, 30003] each [31704],
            "Reads single friends of a user.";
        group_add "group_add" Standard, [30001, 30003, 30011] each [30011, 31704],
            "Puts friends into groups.";
        group_delete "group_delete" Standard, [30001, 30003] each [],
            "Removes groups of friends.";
        group_get "group_get" Standard, [30001, 30003] each [],
            "Lists a user's groups of friends.";
    }
    profile "profile" malformed JSON_INVALID invalid PROFILE_PARAMETER_INVALID display true {
        portrait_set "portrait_set" Standard, [40001, 40003, 40009, 40601, 40605, 40610] each [],
            "Sets fields of a profile.";
        portrait_get "portrait_get" Standard, [40001, 40002, 40009] each [40003],
            "Reads fields of up to 100 profiles.";
    }
    recentcontact "recentcontact" malformed JSON_INVALID invalid RECENTS_PARAMETER_INVALID display true {
        get_list "get_list" Standard, [50001, 50002] each []
            pages ["TimeStamp", "StartIndex", "TopTimeStamp", "TopStartIndex"],
            "Lists a user's recent contacts, newest first.";
        delete "delete" Standard, [50001, 50002] each [],
            "Takes a conversation out of the recent contacts.";
    }
    openconfigsvr "openconfigsvr" malformed MUTE_JSON_INVALID invalid MUTE_JSON_INVALID display false {
        setnospeaking "setnospeaking" Standard, [130001, 130004, 130005, 130008] each [],
            "Mutes a user, or lifts that.";
        getnospeaking "getnospeaking" Standard, [130002, 130003] each [],
            "Tells how long a user is still muted.";
    }
    open_msg_svc "open_msg_svc" malformed RECORD_REQUEST_INVALID invalid RECORD_PARAMETER_INVALID display false {
        get_history "get_history" AtMost(10), [1002, 1004, 1005] each [],
            "Tells where the file with an hour's messages can be downloaded.";
    }
    config_svc "ConfigSvc" malformed JSON_INVALID invalid JSON_INVALID display false {
        get_ip_list "GetIPList" Standard, [] each [],
            "Lists the addresses that this server calls from.";
    }
}

pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

/// The row of a command; names are case-sensitive.
pub fn find(service: &str, command: &str) -> Option<&'static Command> {
    ALL.iter().find(|row| row.command == command && row.service.name == service)
}

/// A bucket for each command.
pub struct Limiter(Vec<Mutex<Bucket>>);

/// `standard`: calls of one command a second, 0 = no limits at all.
pub fn limiter(standard: u32) -> Limiter {
    let rate = |rate| match rate {
        Standard => standard,
        AtMost(rate) => rate.min(standard),
    };
    Limiter(ALL.iter().map(|row| Mutex::new(Bucket::new(rate(row.rate), 0))).collect())
}

impl Limiter {
    /// Whether the command may be called at `now`.
    pub fn take(&self, command: &Command, now: Millis) -> bool {
        self.0[command.place].lock().take(now).is_ok()
    }
}

#[cfg(test)]
mod tests;
