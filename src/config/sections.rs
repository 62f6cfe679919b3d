//! Every section and key, with its type, default and sentence. `docs/CONFIGURATION.md` is checked against this table.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use duolog_topics::{Account, BlacklistAnswer, LoginPolicy};

use super::catalogue::{Allowed, Key, Section, sections};
use super::settings::Reader;
use super::value::{HookFailure, Provider, Secret, Setting, StoreUrl, Url, UtcOffset};

sections! {
    /// Which app this server serves.
    section App "app" {
        sdkappid: Option<u64>, in 0 ..= 4_294_967_295 = "0",
            "The app's number; 0 = made up at first start, and kept in `app.toml` in the data directory.";
        key_file: PathBuf = "'{data}/app.key'",
            "The file with the key that signs in users; made at first start if absent, readable by its owner only.";
        admins: Vec<Account> = "['administrator']",
            "Accounts that may use the server API.";
    }

    /// Where and how the server listens.
    section Server "server" {
        listen: SocketAddr = "'127.0.0.1:8080'",
            "The address and port of both APIs; port 0 takes any free one.";
        tls_cert: Option<PathBuf> = "''",
            "A PEM file with the certificate chain; with `tls_key` it turns on TLS.";
        tls_key: Option<PathBuf> = "''",
            "A PEM file with the certificate's key.";
        rate_limit: u32, in 0 ..= 1_000_000 = "200",
            "Calls of one server-API command in a second, beyond which 60011 is answered; 0 = no limit.";
        public_url: Option<Url> = "''",
            "The address that others reach this server by, for printed links and the URLs of record files.";
        trusted_proxies: Vec<std::net::IpAddr> = "[]",
            "Proxies whose `X-Forwarded-For` is believed.";
        public_ips: Vec<std::net::IpAddr> = "[]",
            "The addresses that callbacks come from, as `GetIPList` answers them; none = that of `listen`, if it names one.";
        heartbeat_seconds: u32, in 25 ..= 300 = "25",
            "After how many seconds without sending anything the gateway pings a client.";
    }

    /// Where the server keeps what it must keep.
    section Data "data" {
        dir: PathBuf = "'data'",
            "The data directory; other paths that are not set follow it.";
    }

    /// The event log.
    section Log "log" {
        provider: Provider = "'embedded'",
            "Where the log is: in the data directory, or on Apache Kafka.";
        partitions: u32, in 1 ..= 256 = "1",
            "Partitions of the embedded log, fixed when it is made.";
        retention_days: u32, in 1 ..= 36_500 = "30",
            "How long records are kept, never past a checkpoint or a consumer's position; and dead letters.";
        hold_days: u32, in 1 ..= 36_500 = "90",
            "How long a consumer that trails holds back records and what goes with them; then they are lost to it, loudly.";
    }

    /// The log on Apache Kafka.
    section Kafka "log.kafka" {
        brokers: String = "'127.0.0.1:9092'",
            "Addresses of brokers to begin with, between commas.";
        topic_prefix: String = "'duolog.'",
            "What the names of all topics begin with.";
        partitions: u32, in 1 ..= 1024 = "32",
            "Partitions of the events topic, if it has to be made.";
        replication: u32, in 1 ..= 9 = "1",
            "Replicas of each topic, if it has to be made.";
        properties: BTreeMap<String, String> = "{}",
            "Properties passed to librdkafka as they are (TLS, SASL and the like).";
    }

    /// The nodes that share a log on Apache Kafka. They find each other through it.
    section Cluster "cluster" {
        node: String = "''",
            "This node's name, which no other node has; empty = made up at first start, and kept in the data directory.";
        listen: SocketAddr = "'127.0.0.1:0'",
            "The address and port on which other nodes reach this one; clients have no business there.";
        advertise: String = "''",
            "Host and port that other nodes are told, if it is not the address of `listen`.";
        secret: Secret = "''",
            "What nodes know each other by, the same on all of them; empty = made from the app's key.";
        secret_file: Option<PathBuf> = "''",
            "A file that holds the secret, instead of `secret`.";
    }

    /// The rules that the log obeys: they become an event when `revision` is higher than the recorded one.
    section Policy "policy" {
        revision: u64, in 1 ..= 9_007_199_254_740_991 = "1",
            "Raise it with every change of this section; a change without it only warns.";
        login: LoginPolicy = "'single'",
            "How many terminals of one account may be logged in at once.";
        friend_check: bool = "false",
            "Whether clients may send to friends only.";
        blacklist_answer: BlacklistAnswer = "'success'",
            "What a client hears that sends to somebody who has blocked its user.";
        offline_days: u32, in 0 ..= 36_500 = "7",
            "How many days a message waits for a device that is offline.";
        offline_messages: u32, in 1 ..= 1_000_000 = "30000",
            "How many entries an account's timeline keeps.";
        roaming_days: u32, in 0 ..= 36_500 = "7",
            "How many days history can be read back.";
        recent_contacts: u32, in 1 ..= 500 = "100",
            "How many recent contacts an account keeps.";
        recall_seconds: u64, in 0 ..= 604_800 = "120",
            "How long after sending a client may recall its message.";
        dedup_seconds: u64, in 1 ..= 604_800 = "300",
            "Server API: a send with the same key within this time is the same send.";
        dedup_client_seconds: u64, in 1 ..= 2_592_000 = "604800",
            "The same for the client protocol.";
    }

    /// How many devices of one platform may be logged in at once, where `policy.login` admits the platform.
    section Instances "policy.instances" {
        web: u32, in 1 ..= 10 = "1",
            "Web pages of one account.";
        other: u32, in 1 ..= 3 = "1",
            "Devices of any other one platform.";
    }

    /// What one client, call or message may take.
    section Limits "limits" {
        frame_bytes: u32, in 1024 ..= 1_048_576 = "65536",
            "A WebSocket frame from a client; a longer one closes the connection with 1009.";
        request_bytes: u32, in 1024 ..= 16_777_216 = "1048576",
            "The body of a server-API call.";
        body_bytes: u32, in 256 ..= 65_536 = "8192",
            "A message's body and custom data as JSON.";
        in_flight: u32, in 1 ..= 65_536 = "256",
            "Requests of one connection that wait for their answers.";
        connections: u32, in 1 ..= 1_000_000 = "20000",
            "Open WebSockets, and as many connections that speak HTTP.";
        devices: u32, in 1 ..= 100 = "20",
            "Devices that an account may have; part of the policy, so it takes effect with a new `policy.revision`.";
        sends_per_second: u32, in 0 ..= 1_000_000 = "1000",
            "Messages that one connection may send in a second; 0 = no limit.";
    }

    /// The app's own server, told of what happens.
    section Callback "callback" {
        url: Option<Url> = "''",
            "Where callbacks are posted; empty = off.";
        secret: Secret = "''",
            "Signs each request.";
        secret_file: Option<PathBuf> = "''",
            "A file that holds the secret, instead of `secret`.";
        commands: Vec<String> = "['C2C.CallbackAfterSendMsg']",
            "Which callbacks are sent.";
        before_send_failure: HookFailure = "'allow'",
            "Whether a message goes out when the before-send callback cannot be reached.";
        timeout_ms: u32, in 100 ..= 60_000 = "2000",
            "How long a receiver has for one answer.";
        parallel: u32, in 1 ..= 1024 = "64",
            "Requests to one endpoint that are under way at once.";
        give_up_hours: u32, in 1 ..= 8760 = "72",
            "After how long a callback that fails goes to the dead letters.";
    }

    /// A further receiver of callbacks, independent of the others.
    repeated Endpoint "callback.endpoints" {
        name: String = "''",
            "Its name in logs, metrics and positions; never given to another endpoint.";
        url: Option<Url> = "''",
            "Where its callbacks are posted.";
        secret: Secret = "''",
            "Signs each request.";
        secret_file: Option<PathBuf> = "''",
            "A file that holds the secret, instead of `secret`.";
        commands: Vec<String> = "['C2C.CallbackAfterSendMsg']",
            "Which callbacks are sent.";
    }

    /// Offline push to Apple devices.
    section Apns "push.apns" {
        key_file: Option<PathBuf> = "''",
            "The signing key (`.p8`); empty = off.";
        key_id: String = "''",
            "The key's id.";
        team_id: String = "''",
            "The developer team's id.";
        topic: String = "''",
            "The app's bundle id.";
        url: Url = "'https://api.push.apple.com'",
            "The push service.";
        sandbox_url: Option<Url> = "''",
            "The push service for tokens whose environment is `sandbox`; empty = Apple's, or `url` if that is not Apple's.";
    }

    /// Offline push to Android devices.
    section Fcm "push.fcm" {
        service_account_file: Option<PathBuf> = "''",
            "The service account's JSON file; empty = off.";
        url: Url = "'https://fcm.googleapis.com'",
            "The push service.";
    }

    /// What offline push shows for an element of a message that has no text of its own.
    section PushWords "push.words" {
        location: String = "'[Location]'",
            "A place.";
        face: String = "'[Face]'",
            "A sticker or a face of the app's own set.";
        sound: String = "'[Voice]'",
            "A voice message.";
        image: String = "'[Image]'",
            "A picture.";
        file: String = "'[File]'",
            "A file.";
        video: String = "'[Video]'",
            "A video.";
        other: String = "'[Message]'",
            "An element of a kind that this program does not know.";
    }

    /// Record files: all messages, a file an hour.
    section Records "records" {
        dir: PathBuf = "'{data}/records'",
            "Where record files are written.";
        retention_days: u32, in 1 ..= 36_500 = "7",
            "How many days a record file is kept after its hour.";
        utc_offset: UtcOffset = "'+00:00'",
            "The clock that names the files and cuts the hours; fixed once files are written.";
    }

    /// Durable copies of the state, in a folder or a bucket of an S3-compatible store; docs/OPERATING.md tells of them.
    section Checkpoint "checkpoint" {
        url: StoreUrl = "'file:{data}/checkpoints'",
            "Where checkpoints lie.";
        interval_seconds: u64, in 10 ..= 86_400 = "300",
            "How often one is made, if something happened.";
        endpoint: Option<Url> = "''",
            "S3: the store's address, if it is not Amazon's; empty = `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT` or Amazon's.";
        region: String = "''",
            "S3: the bucket's region; empty = `AWS_REGION`, `AWS_DEFAULT_REGION` or us-east-1.";
        access_key_id: String = "''",
            "S3: the id of the access key; empty = `AWS_ACCESS_KEY_ID` and the like, or the role of the machine.";
        secret_access_key: Secret = "''",
            "S3: the access key.";
        secret_access_key_file: Option<PathBuf> = "''",
            "S3: a file that holds the access key, instead of `secret_access_key`.";
        virtual_hosted: bool = "false",
            "S3: whether the bucket's name stands in front of the host's instead of in the path.";
        allow_http: bool = "false",
            "S3: whether an `http://` endpoint is spoken to, where whoever listens can read the checkpoints.";
    }
}
