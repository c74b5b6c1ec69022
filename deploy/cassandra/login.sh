#!/bin/bash
# Makes the role millrace with the password of .env. A new Cassandra knows one role, cassandra, with a password that
# everybody knows: it makes ours, and then ours takes its login. May be run again.
set -eu
credentials=$(mktemp)
as() { # as USER PASSWORD STATEMENT: the password is in a file, so that no list of processes shows it
    printf '[PlainTextAuthProvider]\nusername = %s\npassword = %s\n' "$1" "$2" > "$credentials"
    cqlsh --credentials "$credentials" -u "$1" cassandra -f /dev/stdin <<< "$3"
}
for _ in $(seq 60); do # the first role appears some seconds after the port
    if as millrace "$CASSANDRA_PASSWORD" "LIST ROLES" > /dev/null 2>&1; then break; fi
    as cassandra cassandra "CREATE ROLE IF NOT EXISTS millrace WITH PASSWORD = '$CASSANDRA_PASSWORD' AND LOGIN = true AND SUPERUSER = true" > /dev/null 2>&1 || sleep 3
done
as millrace "$CASSANDRA_PASSWORD" "ALTER ROLE cassandra WITH LOGIN = false AND SUPERUSER = false"
rm "$credentials"
