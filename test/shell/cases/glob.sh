mkdir d; cd d; touch a.txt b.txt c.md .hidden 'sp ace' ; mkdir sub; touch sub/x.txt sub/.dot
echo *; echo *.txt; echo *.nomatch; echo ?.txt; echo [ab].txt [!a].txt [^a].txt [a-c].*; echo */ */*; echo .*
echo "*" '*' \*; x='*.txt'; echo $x "$x"; for f in *.txt; do echo "f:$f"; done
shopt -s nullglob; echo n: *.nomatch; a=(*.zzz); echo ${#a[@]}; shopt -u nullglob
shopt -s dotglob; echo *; shopt -u dotglob; set -f; echo *.txt; set +f
shopt -s extglob
echo !(*.txt) @(a|b).txt +([a-z]).md ?(a).txt *(x)
shopt -s globstar; echo **; echo **/*.txt; echo sub/**; shopt -u globstar
shopt -s failglob; echo *.nope; echo "st $?"; shopt -u failglob
echo s*; ls s*e; cd ..; echo d/*.md d/sub/* ; echo d/[a]*; [[ -f d/a.txt ]] && echo yes; rm -r d
GLOBIGNORE=; echo /dev/nul? /dev/[n]ull
