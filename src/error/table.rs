//! The table of public codes, ascending.

use super::{Code, Entry, Layer};

/// Makes the constants of [`Code`] and [`ALL`] from one table, so that they cannot differ.
///
/// `retry` or `final` says whether the same request may succeed later.
macro_rules! codes {
    ($( $layer:ident: $( $number:literal $constant:ident $name:literal $again:ident: $message:literal )* )*) => {
        impl Code {
            $($( #[doc = $message] pub const $constant: Code = Code($number); )*)*
        }

        /// Every public code but those of a hook, in ascending order.
        pub const ALL: &[Entry] = &[$($(
            Entry {
                code: Code::$constant,
                name: $name,
                message: $message,
                retry: codes!(@ $again),
                layer: Layer::$layer,
            },
        )*)*];
    };
    (@ retry) => { true };
    (@ final) => { false };
}

codes! {
    Records:
        1001 RECORD_REQUEST_INVALID "record_request_invalid" final: "the request for a record file is malformed"
        1002 RECORD_PARAMETER_INVALID "record_parameter_invalid" final: "ChatType or MsgTime is wrong, or the caller is no admin"
        1003 RECORD_SYSTEM_ERROR "record_system_error" retry: "the record file could not be looked up"
        1004 RECORD_NOT_READY "record_not_ready" final: "the hour's file is not made yet, or the hour had no messages"
        1005 RECORD_EXPIRED "record_expired" final: "the hour's file is no longer kept"

    Session:
        6206 SIGNATURE_EXPIRED "signature_expired" final: "the session ended because its signature expired"
        6208 KICKED_BY_OTHER "kicked_by_other" final: "another login of the account excludes this session"

    Message:
        20001 PACKET_INVALID "packet_invalid" final: "the request is malformed"
        20002 TICKET_INVALID "ticket_invalid" final: "the signature or the session is not valid"
        20003 SENDER_OR_RECEIVER_UNKNOWN "sender_or_receiver_unknown" final: "the sender or the receiver does not exist"
        20004 NETWORK_ERROR "network_error" retry: "the request was lost between two nodes; whether it took effect is unknown"
        20005 INTERNAL_ERROR "internal_error" retry: "the server failed; whether the request took effect is unknown"
        20006 REFUSED_BY_HOOK "refused_by_hook" final: "the app's before-send hook refused the message"
        20007 BLOCKED "blocked" final: "the receiver has blocked the sender"
        20008 APPS_DIFFER "apps_differ" final: "sender and receiver belong to different apps"
        20009 NOT_FRIENDS "not_friends" final: "sender and receiver are not friends"
        20010 NOT_LISTED_BY_RECEIVER "not_listed_by_receiver" final: "the receiver does not list the sender as a friend"
        20011 RECEIVER_NOT_LISTED "receiver_not_listed" final: "the sender does not list the receiver as a friend"
        20012 MUTED "muted" final: "the sender is muted"
        20016 RECALL_TOO_LATE "recall_too_late" final: "the time in which a client may recall is over"
        20018 HISTORY_DELETE_FAILED "history_delete_failed" retry: "history could not be deleted"
        20022 MESSAGE_UNKNOWN "message_unknown" final: "no message has this key"
        20023 ALREADY_RECALLED "already_recalled" final: "the message is already recalled"

    Relation:
        30001 RELATION_PARAMETER_INVALID "relation_parameter_invalid" final: "a field of the relation request is missing or wrong"
        30002 RELATION_APP_MISMATCH "relation_app_mismatch" final: "the request names another app"
        30003 RELATION_ACCOUNT_UNKNOWN "relation_account_unknown" final: "an account of the relation request does not exist"
        30004 RELATION_NOT_ADMIN "relation_not_admin" final: "only an app admin may change relations"
        30005 RELATION_TEXT_BLOCKED "relation_text_blocked" final: "a text of the relation request is not allowed"
        30006 RELATION_INTERNAL_ERROR "relation_internal_error" retry: "the server failed while it changed relations"
        30007 RELATION_TIMEOUT "relation_timeout" retry: "changing relations took too long"
        30008 RELATION_WRITE_CONFLICT "relation_write_conflict" retry: "another change of the same relation came first"
        30009 FRIEND_ADDING_BARRED "friend_adding_barred" final: "the account may not add friends"
        30010 FRIENDS_FULL "friends_full" final: "the account's friend list is full"
        30011 FRIEND_GROUPS_FULL "friend_groups_full" final: "the account has no room for another group of friends"
        30012 FRIEND_REQUESTS_FULL "friend_requests_full" final: "too many friend requests wait for an answer"
        30013 BLACKLIST_FULL "blacklist_full" final: "the account's blacklist is full"
        30014 PEER_FRIENDS_FULL "peer_friends_full" final: "the peer's friend list is full"
        30515 PEER_IS_BLOCKED "peer_is_blocked" final: "the account has blocked the peer"
        30516 PEER_DENIES_FRIENDS "peer_denies_friends" final: "the peer takes no friend requests"
        30525 BLOCKED_BY_PEER "blocked_by_peer" final: "the peer has blocked the account"
        30539 FRIEND_REQUEST_PENDING "friend_request_pending" final: "the peer has to accept the friend request"
        30540 FRIEND_ADDING_LIMITED "friend_adding_limited" retry: "too many friend requests; try later"
        30614 FRIEND_REQUEST_UNKNOWN "friend_request_unknown" final: "there is no such friend request"
        31704 NOT_A_FRIEND "not_a_friend" final: "the account does not list the peer as a friend"
        31707 FRIEND_DELETING_LIMITED "friend_deleting_limited" retry: "too many friends deleted; try later"
        31804 FRIEND_ACCOUNT_UNKNOWN "friend_account_unknown" final: "the account to look up does not exist"

    Profile:
        40001 PROFILE_PARAMETER_INVALID "profile_parameter_invalid" final: "a field of the profile request is missing or wrong"
        40002 PROFILE_ACCOUNT_MISSING "profile_account_missing" final: "the profile request names no account"
        40003 PROFILE_ACCOUNT_UNKNOWN "profile_account_unknown" final: "an account of the profile request does not exist"
        40004 PROFILE_NOT_ADMIN "profile_not_admin" final: "only an app admin may use the profile commands"
        40005 PROFILE_TEXT_BLOCKED "profile_text_blocked" final: "a text of the profile is not allowed"
        40006 PROFILE_INTERNAL_ERROR "profile_internal_error" retry: "the server failed while it handled a profile"
        40007 PROFILE_NOT_READABLE "profile_not_readable" final: "the profile field may not be read"
        40008 PROFILE_NOT_WRITABLE "profile_not_writable" final: "the profile field may not be written"
        40009 PROFILE_TAG_UNKNOWN "profile_tag_unknown" final: "there is no such profile field"
        40601 PROFILE_VALUE_TOO_LONG "profile_value_too_long" final: "the value is longer than its tag allows"
        40605 PROFILE_VALUE_INVALID "profile_value_invalid" final: "the value is not one that the profile field may have"
        40610 PROFILE_VALUE_TYPE "profile_value_type" final: "the value has the wrong type for the profile field"

    Recents:
        50001 RECENTS_ACCOUNT_UNKNOWN "recents_account_unknown" final: "the account whose recent contacts are asked for does not exist"
        50002 RECENTS_PARAMETER_INVALID "recents_parameter_invalid" final: "a field of the recent contacts request is missing or wrong"
        50003 RECENTS_NOT_ADMIN "recents_not_admin" final: "only an app admin may use the recent contacts commands"
        50004 RECENTS_INTERNAL_ERROR "recents_internal_error" retry: "the server failed while it handled recent contacts"
        50005 RECENTS_TIMEOUT "recents_timeout" retry: "handling recent contacts took too long"

    Front:
        60002 URL_INVALID "url_invalid" final: "the URL cannot be parsed"
        60003 JSON_INVALID "json_invalid" final: "the body or frame is not the JSON that is expected"
        60004 REQUEST_ACCOUNT_INVALID "request_account_invalid" final: "the query's identifier is missing or no account name"
        60005 REQUEST_SIGNATURE_INVALID "request_signature_invalid" final: "the query's usersig is wrong"
        60006 APP_INVALID "app_invalid" final: "the query's sdkappid is not this server's"
        60007 TOO_MANY_REQUESTS "too_many_requests" retry: "too many requests at once or a second"
        60008 REQUEST_TIMEOUT "request_timeout" retry: "no answer in time; whether the request took effect is unknown"
        60009 NO_SUCH_COMMAND "no_such_command" final: "there is no such service, command or op"
        60010 NOT_ADMIN "not_admin" final: "the identifier is no app admin"
        60011 COMMAND_RATE_EXCEEDED "command_rate_exceeded" retry: "too many calls of this command a second"
        60012 APP_MISSING "app_missing" final: "the query has no sdkappid"
        60013 UPSTREAM_INVALID "upstream_invalid" retry: "a part of the server answered with what cannot be parsed"
        60014 ACCOUNT_LOOKUP_TIMEOUT "account_lookup_timeout" retry: "looking up the account took too long"
        60015 ACCOUNT_NOT_TEXT "account_not_text" final: "an account of the request is not a string"
        60016 APP_DISABLED "app_disabled" final: "the app is disabled"
        60017 REQUEST_DISABLED "request_disabled" final: "this request is disabled"
        60018 APP_RATE_EXCEEDED "app_rate_exceeded" retry: "too many calls of the app a second"
        60019 SERVICE_RATE_EXCEEDED "service_rate_exceeded" retry: "too many calls of the service a second"
        60020 PLAN_ENDED "plan_ended" final: "the app's plan has ended"
        60021 SOURCE_REFUSED "source_refused" final: "calls from this address are refused"

    Account:
        70001 USER_SIG_EXPIRED "user_sig_expired" final: "the signature has expired"
        70002 USER_SIG_EMPTY "user_sig_empty" final: "the signature is empty"
        70003 USER_SIG_ENCODING "user_sig_encoding" final: "the signature is malformed: not base64 or not zlib; perhaps cut off"
        70005 USER_SIG_CONTENT "user_sig_content" final: "the signature is malformed: the document inside it cannot be read"
        70009 USER_SIG_MISMATCH "user_sig_mismatch" final: "the signature was not made with this app's key"
        70013 USER_SIG_ACCOUNT "user_sig_account" final: "the signature is another account's"
        70014 USER_SIG_APP "user_sig_app" final: "the signature is another app's"
        70016 USER_SIG_NO_KEY "user_sig_no_key" final: "the app has no key to verify signatures with"
        70020 APP_UNKNOWN "app_unknown" final: "there is no such app"
        70050 USER_SIG_CHECKS_EXCEEDED "user_sig_checks_exceeded" retry: "too many signatures of the account were checked"
        70051 ACCOUNT_BANNED "account_banned" final: "the account may not log in"
        70107 ACCOUNT_UNKNOWN "account_unknown" final: "the account does not exist"
        70114 LOGIN_LIMITED "login_limited" retry: "too many logins; try later"
        70169 LOGIN_CHECK_TIMEOUT "login_check_timeout" retry: "checking the login took too long"
        70202 LOGIN_TIMEOUT "login_timeout" retry: "the login took too long"
        70206 ACCOUNT_BATCH_SIZE "account_batch_size" final: "the batch holds no account, or more than are allowed"
        70398 ACCOUNTS_FULL "accounts_full" final: "the app has no room for another account"
        70402 ACCOUNT_PARAMETER_INVALID "account_parameter_invalid" final: "a field of the account request is missing or wrong"
        70403 ACCOUNT_NOT_ADMIN "account_not_admin" final: "only an app admin may use the account commands"
        70500 ACCOUNT_INTERNAL_ERROR "account_internal_error" retry: "the server failed while it handled an account"
        71000 ACCOUNT_DELETE_REFUSED "account_delete_refused" final: "this account may not be deleted"

    Content:
        80001 TEXT_BLOCKED "text_blocked" final: "the message has text that is not allowed"
        80002 BODY_TOO_LONG "body_too_long" final: "the message is longer than is allowed"
        80003 HOOK_FAILED "hook_failed" final: "the before-send hook did not answer, and the configuration refuses the message then"

    Command:
        90001 MESSAGE_JSON_INVALID "message_json_invalid" final: "the body is not the JSON that is expected"
        90002 MSG_BODY_INVALID "msg_body_invalid" final: "MsgBody is malformed"
        90003 TO_ACCOUNT_INVALID "to_account_invalid" final: "To_Account is missing, has the wrong type, or does not exist"
        90005 MSG_RANDOM_INVALID "msg_random_invalid" final: "MsgRandom is missing or no integer"
        90006 MSG_TIMESTAMP_INVALID "msg_timestamp_invalid" final: "MsgTimeStamp is missing, no integer, or in the future"
        90007 MSG_BODY_NOT_ARRAY "msg_body_not_array" final: "MsgBody is not an array"
        90008 FROM_ACCOUNT_INVALID "from_account_invalid" final: "From_Account is missing, has the wrong type, or does not exist"
        90009 MESSAGE_NOT_ADMIN "message_not_admin" final: "only an app admin may use the message commands"
        90010 MSG_ELEMENT_INVALID "msg_element_invalid" final: "an element of MsgBody is malformed"
        90011 TOO_MANY_RECEIVERS "too_many_receivers" final: "more than 500 receivers"
        90012 RECEIVERS_UNKNOWN "receivers_unknown" final: "no receiver exists"
        90018 TOO_MANY_ACCOUNTS "too_many_accounts" final: "more accounts than a request may name"
        90022 PUSH_TAGS_OVERLAP "push_tags_overlap" final: "TagsOr and TagsAnd of the push name the same tag"
        90024 PUSH_TOO_FREQUENT "push_too_frequent" retry: "pushes to all are less than a second apart"
        90026 LIFE_TIME_TOO_LONG "life_time_too_long" final: "MsgLifeTime is more than 7 days"
        90030 SYNC_FROM_OLD_SYSTEM_INVALID "sync_from_old_system_invalid" final: "SyncFromOldSystem is missing or wrong"
        90031 SYNC_OTHER_MACHINE_INVALID "sync_other_machine_invalid" final: "SyncOtherMachine is wrong"
        90032 PUSH_TAGS_EXCEEDED "push_tags_exceeded" final: "the push has more than 10 tags"
        90033 PUSH_ATTRIBUTE_INVALID "push_attribute_invalid" final: "an attribute of the push is wrong"
        90034 PUSH_TAG_TOO_LONG "push_tag_too_long" final: "a tag of the push is too long"
        90039 PUSH_CONDITIONS_MIXED "push_conditions_mixed" final: "the push mixes conditions on tags and on attributes"
        90040 PUSH_TAG_EMPTY "push_tag_empty" final: "a tag of the push is empty"
        90043 OFFLINE_PUSH_INFO_INVALID "offline_push_info_invalid" final: "OfflinePushInfo is malformed"
        90044 LIFE_TIME_INVALID "life_time_invalid" final: "MsgLifeTime is no integer"
        90045 PUSH_NOT_ENABLED "push_not_enabled" final: "pushes to all are not enabled"
        90047 PUSH_DAILY_LIMIT "push_daily_limit" final: "today's pushes to all are used up"
        90048 MESSAGE_ACCOUNT_UNKNOWN "message_account_unknown" final: "an account of the message request does not exist"
        90054 MSG_KEY_INVALID "msg_key_invalid" final: "MsgKey is malformed"
        90055 BATCH_BODY_TOO_LONG "batch_body_too_long" final: "the message to many is longer than is allowed"
        90992 SERVICE_FAILED "service_failed" retry: "the server, or the app's callback server, failed"
        90994 SERVICE_INTERNAL_ERROR "service_internal_error" retry: "the server failed"
        90995 SERVICE_ERROR "service_error" retry: "the server failed"
        91000 SERVICE_UNAVAILABLE "service_unavailable" retry: "the server cannot answer now"
        91101 WEB_INSTANCE_KICKED "web_instance_kicked" final: "too many web pages of the account are logged in"
        93000 REQUEST_TOO_LONG "request_too_long" final: "the body is longer than is allowed"

    Mute:
        130001 MUTE_JSON_INVALID "mute_json_invalid" final: "the body is not the JSON that is expected"
        130002 MUTE_GET_ACCOUNT_MISSING "mute_get_account_missing" final: "Get_Account is missing"
        130003 MUTE_GET_ACCOUNT_INVALID "mute_get_account_invalid" final: "Get_Account is no account name"
        130004 MUTE_SET_ACCOUNT_MISSING "mute_set_account_missing" final: "Set_Account is missing"
        130005 MUTE_SET_ACCOUNT_INVALID "mute_set_account_invalid" final: "Set_Account is no account name"
        130008 MUTE_TIMES_MISSING "mute_times_missing" final: "neither C2CmsgNospeakingTime nor GroupmsgNospeakingTime is given"
        130014 MUTE_SYSTEM_ERROR "mute_system_error" retry: "the server failed while it handled a mute"
}

const _: () = {
    let mut place = 1;
    while place < ALL.len() {
        assert!(ALL[place - 1].code.number() < ALL[place].code.number(), "codes ascend");
        place += 1;
    }
};
