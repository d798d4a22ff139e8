v="a:b::c:"; IFS=:; set -- $v; echo $#; printf '<%s>' "$@"; echo; unset IFS
v="  lead and  trail  "; set -- $v; echo $#; printf '<%s>' "$@"; echo
IFS=" :"; v=" a : b:: c "; set -- $v; echo $#; printf '<%s>' "$@"; echo; unset IFS
IFS=; v="a b"; set -- $v; echo $# "$1"; unset IFS
IFS=,; a=(1 2 3); echo "${a[*]}" "${a[@]}" ${a[*]}; unset IFS
x="a b"; y=$x; echo "$y"; z="$x"c; set -- $x$x "$x"$x; printf '<%s>' "$@"; echo
set -- "p q" r; for i in $@; do echo "1:$i"; done; for i in "$@"; do echo "2:$i"; done; for i in "$*"; do echo "3:$i"; done; for i; do echo "4:$i"; done
set -- "a b" c; printf '<%s>' x"$@"y; echo; printf '<%s>' "$@"; echo; set --; printf '<%s>' "$@" x"$@"; echo
e=; printf '<%s>' $e "$e" ''; echo; n=$'l1\nl2'; printf '<%s>' $n; echo; printf '<%s>' "$n"; echo
IFS=: read a b c <<< "1:2:3:4"; echo "$a|$b|$c"; IFS=: read -r a b <<< "x"; echo "$a|$b|"
IFS=' ' read -ra parts <<< "  one   two three "; echo "${#parts[@]} ${parts[1]}"
while IFS== read -r k v; do echo "k=$k v=$v"; done <<< $'a=1\nb=2=3'
OIFS=$IFS; IFS=$'\n'; for l in $(printf 'x y\nz\n'); do echo "[$l]"; done; IFS=$OIFS
