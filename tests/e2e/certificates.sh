#!/bin/sh
# Makes a folder of short-lived test certificates: ca.pem, other-ca.pem, and server and client key and certificate.
set -eu
mkdir -p "$1"
cd "$1"

authority() { # name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj "/CN=$1" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
        -keyout "$1-key.pem" -out "$1.pem" 2>/dev/null
}

leaf() { # name, usage
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=$1" -keyout "$1-key.pem" -out "$1.csr" 2>/dev/null
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=%s\nsubjectAltName=IP:127.0.0.1\n' "$2" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -days 2 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}

authority ca
authority other-ca
leaf server serverAuth
leaf client clientAuth
