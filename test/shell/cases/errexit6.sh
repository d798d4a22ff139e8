set -eu; shopt -s inherit_errexit; x=$(echo a; false; echo b) || echo "inherit $?"; f() { echo start; cmd_missing; echo no; }; set +u; unset u; echo "[$u]"; set -u; echo "${u:-dflt}"; f; echo no
