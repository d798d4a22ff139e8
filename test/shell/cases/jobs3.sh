echo A; sleep 0.1 & wait; jobs; echo B; sleep 0.1 & sleep 0.2; wait; jobs; jobs; echo C; sleep 0.1 & sleep 0.2 & wait; jobs; echo D; sleep 0.2 & sleep 0.1 & wait; jobs; echo E; sleep 0.1 & p=$!; sleep 0.2 & wait $p; jobs; wait; jobs
echo F; (exit 2) & sleep 0.1; (exit 3) & sleep 0.1; wait; jobs
echo G; (exit 2) & sleep 0.1; wait $!; jobs; echo H; (exit 2) & sleep 0.1; wait %1; jobs; echo I; sleep 0.1 & wait %1; jobs; sleep 0.1 & wait; echo J; disown; echo K; sleep 0.1 & sleep 0.2; disown; echo $?; jobs
echo L; (exit 1) & (exit 2) & (exit 3) & sleep 0.1; jobs; jobs; echo M; (exit 1) & sleep 0.1; (exit 2) & sleep 0.1; jobs %2; jobs
