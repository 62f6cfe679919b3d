#!/usr/bin/env bash
# Serves ./data, and says what to type next once the server is up. Arguments go to `duolog serve`.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/api.sh

coproc SERVER { exec ./duolog serve --data data "$@"; }
server=$SERVER_PID
trap 'kill -TERM "$server" 2>/dev/null || true' INT TERM

if ! read -r line <&"${SERVER[0]}"; then
  wait "$server" && exit 1 || exit $?
fi
exec 3<&"${SERVER[0]}"
printf '%s\n' "$line"
BASE=${line#listening on }

# So that the first message may go out before anybody has logged in.
api_login --data data
api im_open_login_svc/multiaccount_import '{"Accounts":["alice","bob"]}' >/dev/null || true

at=()
[ "$BASE" = http://127.0.0.1:8080 ] || at=(--url "$BASE")
cat <<TEXT

duolog is up, its data in ./data; Ctrl-C stops it. In two more terminals, in this folder:

  receive   ./duolog chat alice ${at[*]}

  send      $(./duolog send bob alice "hello from bob" --curl "${at[@]}")

  or        ./duolog chat bob --to alice ${at[*]}

TEXT

cat <&3 &
# A signal ends the first wait; the server then drains, and the second one waits for that.
wait "$server" || wait "$server"
