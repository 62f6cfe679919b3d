#!/usr/bin/env bash
# A scripted tour: each command is shown, then run, and its answer is checked. Own data in a temporary directory, a free
# port; leaves nothing behind. It needs ./duolog and ./duolog-replay in the current directory (`make demo` sees to that).
# shellcheck disable=SC2016,SC2034  # commands are shown before they are evaluated, with the variables that they use
set -euo pipefail

folder=$(mktemp -d "${TMPDIR:-/tmp}/duolog-demo.XXXXXX")
server=
leave() {
  [ -z "$server" ] || { kill -TERM "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$folder"
}
trap leave EXIT

number=0
step() {
  number=$((number + 1))
  printf '\n\n%s. %s\n' "$number" "$*"
}

# try COMMAND PATTERN: shows the command, runs it, shows its answer, which must match the pattern.
try() {
  printf '\n$ %s\n' "$1"
  answer=$(eval "$1") || { printf '%s\ndemo: the command failed\n' "$answer"; exit 1; }
  printf '%s\n' "$answer"
  grep -Eq -- "$2" <<<"$answer" || { printf 'demo: the answer should match: %s\n' "$2"; exit 1; }
}

# refute PATTERN: the last answer must not match it.
refute() {
  ! grep -Eq -- "$1" <<<"$answer" || { printf 'demo: the answer should not match: %s\n' "$1"; exit 1; }
}

start() {
  printf '\n$ ./duolog serve --data "$DATA" --listen 127.0.0.1:0 &\n'
  : >"$folder/out"
  ./duolog serve --data "$DATA" --listen 127.0.0.1:0 >"$folder/out" 2>"$folder/err" &
  server=$!
  until grep -q 'listening on' "$folder/out"; do
    kill -0 "$server" 2>/dev/null || { cat "$folder/err"; exit 1; }
    sleep 0.05
  done
  cat "$folder/out"
  URL=$(sed 's/^listening on //' "$folder/out")
}

stop() {
  printf '\n$ kill -TERM %%1; wait %%1\n'
  kill -TERM "$server"
  wait "$server"
  server=
}

say() { printf '\n%s\n' "$*"; }

export DATA=$folder/data

step "An empty directory, and a server on it"
start
say "What the shell remembers for the calls below: the app's number, and a signature of its admin."
try 'SDKAPPID=$(./duolog config --data "$DATA" | sed -n "s/^sdkappid = \([0-9]*\).*/\1/p"); echo $SDKAPPID' '^[1-9][0-9]+$'
SDKAPPID=$answer
try 'SIG=$(./duolog usersig administrator --data "$DATA"); echo $SIG' '^[A-Za-z0-9*_-]+$'
SIG=$answer
try 'AUTH="sdkappid=$SDKAPPID&identifier=administrator&usersig=$SIG&random=1&contenttype=json"; echo $URL' '^http'
AUTH="sdkappid=$SDKAPPID&identifier=administrator&usersig=$SIG&random=1&contenttype=json"

step "Two people"
try 'curl -sS "$URL/v4/im_open_login_svc/multiaccount_import?$AUTH" -d '\''{"Accounts":["alice","bob"]}'\' '"ErrorCode":0'

step "Bob writes to alice, who is offline"
MESSAGE='{"From_Account":"bob","To_Account":"alice","MsgSeq":1,"MsgRandom":42,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"are you there?"}}]}'
try "curl -sS \"\$URL/v4/openim/sendmsg?\$AUTH\" -d '$MESSAGE'" '"MsgKey":"1_42_'
first=$(grep -o '"MsgKey":"[^"]*"' <<<"$answer")

step "The same call again: a back end that had no answer may repeat it. It takes effect once, and gets the first answer"
try "curl -sS \"\$URL/v4/openim/sendmsg?\$AUTH\" -d '$MESSAGE'" "$first"

step "It waits: alice has one unread message"
try 'curl -sS "$URL/v4/openim/get_c2c_unread_msg_num?$AUTH" -d '\''{"To_Account":"alice"}'\' '"AllC2CUnreadMsgNum":1[,}]'

step "Alice logs in: first what she missed, then her recent contacts, then \"up to date\"; she answers"
try 'echo "I am now" | ./duolog chat alice --to bob --data "$DATA" --url $URL' 'are you there'
grep -q 'up to date' <<<"$answer"
grep -q 'stored' <<<"$answer"

step "History: what both have said, as a client with no copy of its own reads it"
try 'echo "/history bob" | ./duolog chat alice --data "$DATA" --url $URL --json' 'I am now'
grep -q 'are you there' <<<"$answer"

step "Alice blocks bob. He sends, and sees success; she never gets it"
try 'echo "/block bob" | ./duolog chat alice --data "$DATA" --url $URL' 'blocked'
try 'echo "hello?" | ./duolog chat bob --to alice --data "$DATA" --url $URL' 'stored'
try './duolog chat alice --data "$DATA" --url $URL </dev/null' 'up to date'
refute 'hello\?'

step "The server stops, and comes back: everything is there"
stop
start
try 'echo "/history bob" | ./duolog chat alice --data "$DATA" --url $URL --json' 'are you there'
refute 'hello\?'

step "The hour's record file: it is made when the hour is over, so not yet"
try 'curl -sS "$URL/v4/open_msg_svc/get_history?$AUTH" -d "{\"ChatType\":\"C2C\",\"MsgTime\":\"$(date -u +%Y%m%d%H)\"}"' '"ErrorCode":1004'
say "Then the reply has a URL; the file itself is in \$DATA/records, with every message of the hour."

step "The log's own view of it: every message that took effect, each once; the last one was stored, and not delivered"
try './duolog-replay export --data "$DATA" | tee "$DATA/messages.ndjson" | cut -c 1-150' '"from":"bob","to":\["alice"\]'
try 'wc -l <"$DATA/messages.ndjson"' '^ *3$'
try 'grep -c "\"not_delivered\":\[\"alice\"\]" "$DATA/messages.ndjson"' '^1$'
try './duolog-replay verify --data "$DATA"' '^equal: '

say "That was duolog. \`make run\` serves ./data; README.md says more."
