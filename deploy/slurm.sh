#!/bin/bash
# One build on one GPU node. A job that is cut short by its time limit goes on when it is submitted again:
#   sbatch deploy/slurm.sh recipes/basque-vllm.yaml
#SBATCH --job-name=iturri
#SBATCH --nodes=1
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
set -euo pipefail

recipe=${1:?a recipe}
source "${ITURRI_VENV:-.venv}/bin/activate"
# The ledger wants a disk of the node or a filesystem with working locks; `iturri doctor` tells.
iturri doctor
# exec: the signal before the time limit reaches the build itself, which then ends cleanly.
exec iturri build "$recipe"
