# shellcheck shell=bash
# For scripts: calls of the server API, as any back end makes them. Needs $BASE, and ./duolog for a signature.
# Source it, then: api_login [--data DIR]; api openim/sendmsg '{"To_Account": ...}'

api_login() {
  SDKAPPID=$(./duolog config "$@" | sed -n 's/^sdkappid = \([0-9]*\).*/\1/p')
  USERSIG=$(./duolog usersig administrator "$@")
}

api_url() {
  printf '%s/v4/%s?sdkappid=%s&identifier=administrator&usersig=%s&random=%s&contenttype=json' \
    "$BASE" "$1" "$SDKAPPID" "$USERSIG" "$RANDOM"
}

api() { curl -sS "$(api_url "$1")" -d "$2"; }
