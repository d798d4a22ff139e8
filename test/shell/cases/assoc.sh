declare -A m; m[one]=1; m["two three"]=23; m[$((1+1))]=two; k=key; m[$k]=val; echo ${m[one]} "${m[two three]}" ${m[2]} ${m[key]} ${#m[@]}
for k in "${!m[@]}"; do echo "$k => ${m[$k]}"; done | sort; [[ -v m[one] ]] && echo has; [[ -v m[zzz] ]] || echo no; unset 'm[one]'; echo ${#m[@]}
declare -A ns=([ns1]=192.168.9.2 [ns2]=192.168.9.3 [ns3]=192.168.9.4 [ns4]=10.0.0.1 [host]=1.1.1.1); for n in "${!ns[@]}"; do echo "$n ${ns[$n]}"; done
declare -p ns; m+=([added]=yes [key]=replaced); echo ${m[added]} ${m[key]}; m[key]+=more; echo ${m[key]}
echo "${!ns[@]}" "${ns[@]}"; declare -A e=(); echo ${#e[@]} "${e[x]-none}"; e[a.b]=dot; e["x y"]=sp; e[']']=br; for k in "${!e[@]}"; do echo "<$k>"; done | sort
for i in a b c d e f g h i j k l m n o p q r s t u v w x y z; do m2[$i]=1; done; declare -A big; for i in {1..30}; do big[k$i]=$i; done; echo "${!big[@]}"; echo "${big[@]}"
declare -A kv=(a 1 b 2); echo ${kv[a]} ${kv[b]}; f() { local -A l=([x]=y); echo ${l[x]}; }; f; echo "${l[x]-gone}"
((ns[count]++)); ((ns[count]+=2)); echo ${ns[count]}; x="ns1"; echo ${ns[$x]} ${ns["$x"]}; declare -A q; q[a]=1; q=([b]=2); echo ${!q[@]}; unset ns; echo ${#ns[@]}
