# Sourced: tools that are built from Go modules, each once, into target/e2e/bin. Without a Go that is new enough there are none, and whoever wants one says
# what isn't checked.

tools=$PWD/target/e2e/bin

# Whether there is a Go of this version or later.
go_is() { # version
    command -v go >/dev/null || return 1
    have=$(go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
    [ "$(printf '%s\n%s\n' "$1" "$have" | sort -V | head -n 1)" = "$1" ]
}

# Builds a tool unless it is there. Its name holds its version, so that another version is another file.
go_tool() { # name, version, module and path of the command
    [ -x "$tools/$1-$2" ] && return
    echo "building $1 $2"
    mkdir -p "$tools"
    GOBIN=$tools/new go install "$3@$2"
    mv "$tools/new/$1" "$tools/$1-$2"
}

not_checked() { # what, why
    printf '==> NOT checked: %s; %s\n' "$1" "$2"
}
