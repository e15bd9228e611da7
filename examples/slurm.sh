#!/bin/bash
# A search on four machines of a Slurm cluster: `sbatch examples/slurm.sh`.
#SBATCH --nodes=4 --ntasks-per-node=1 --gpus-per-node=1 --cpus-per-task=8 --time=12:00:00
#SBATCH --signal=B:TERM@300
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
others=$((SLURM_JOB_NUM_NODES - 1))

srun --nodes=1 --ntasks=1 -w "$head" ray start --head --port 6379 --block &
sleep 20
srun --nodes="$others" --ntasks="$others" --exclude "$head" ray start --address "$head:6379" --block &
sleep 20

# Goes on where an earlier job was ended; five minutes before the time is up Slurm ends this one.
if [ -d runs/baseline/slurm ]; then
  effsearch baseline --resume baseline/slurm --ray-address "$head:6379" &
else
  effsearch baseline --name slurm --target-flops 400M --data photos --ray-address "$head:6379" &
fi
search=$!
trap 'kill -TERM $search' TERM
wait $search
wait $search
