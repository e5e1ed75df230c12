#!/usr/bin/env bash
# train on one species without some contigs, predict these and score every decoder beside the longest-ORF baseline
#
# the same command again goes on where an interrupted one stopped
#
# usage:   benches/species.sh RAW_DIR SPECIES CONTIG[,CONTIG...] OUT_DIR [MINUTES]
# example: benches/species.sh raw S.cerevisiae BK006937.2,BK006939.2,BK006944.2 out/yeast 60
#
# settings from the environment: PYTHON (default python), PRESET (small), VOCAB (1024), GENETIC_CODE (1),
# PROCESSES (2) that train side by side, one thread each, which uses two cores better than one process does
set -euo pipefail

if [[ $# -lt 4 || $# -gt 5 ]]; then
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
raw=$1 species=$2 contigs=$3 out=$4 minutes=${5:-60}
python=${PYTHON:-python} code=${GENETIC_CODE:-1} processes=${PROCESSES:-2}
here=$(cd "$(dirname "$0")" && pwd)

settings="$species $contigs $minutes ${PRESET:-small} ${VOCAB:-1024} $code $processes"
if [[ -e $out/settings && $(<"$out/settings") != "$settings" ]]; then
    echo "error: $out holds a run with other settings, $(<"$out/settings"); remove it or name another folder" >&2
    exit 1
fi
for kind in fna gff; do
    declare "$kind=$raw/$species/$kind"
    [[ -e ${!kind} ]] || declare "$kind=$raw/$species/$kind.gz"
done

mkdir -p "$out"
echo "$settings" > "$out/settings"
[[ -e $out/costs.tsv ]] || printf 'step\tseconds\tpeak_mib\n' > "$out/costs.tsv"

# runs a genet5 command under a name and notes what it cost; done once, it is not done again
step() {
    local name=$1
    shift
    grep -q "^$name"$'\t' "$out/costs.tsv" && return
    echo "== $name"
    "$python" "$here/measure.py" "$out/costs.tsv" "$name" "$python" -m "$@"
}

# tokenizer, training windows and validation blocks all come from a genome that lacks the held-out contigs
[[ -e $out/tokenizer.json ]] || "$python" "$here/hold_out.py" "$raw/$species" "$contigs" "$out/raw/$species"
step tokenizer genet5 tokenizer train "$out/raw" "$out/tokenizer.json" --vocab-size "${VOCAB:-1024}"
step bake genet5 bake "$out/raw" "$out/baked" --tokenizer "$out/tokenizer.json" --genetic-code "$species=$code"
step init genet5 init "$out/start" --tokenizer "$out/tokenizer.json" --preset "${PRESET:-small}" --genetic-code "$code"
step sft torch.distributed.run --standalone --nproc-per-node "$processes" -m genet5 \
    sft "$out/baked" "$out/model" "$out/start" --max-minutes "$minutes" --batch-rows "$processes" --resume

# the default decoder's genes, then each decoder by name
predict=(genet5 predict "$out/model" "$fna" --contigs "$contigs" --genetic-code "$code")
step predict "${predict[@]}" -o "$out/genes.gff3"
files=()
for decoder in writer viterbi both; do
    files+=("$out/$decoder.gff3")
    step "predict $decoder" "${predict[@]}" --decoder "$decoder" -o "${files[-1]}"
done

score() { "$python" -m genet5.cli.score "$@" --contigs "$contigs"; }

echo "== default decoder"
score f1 "$gff" "$out/genes.gff3" --errors
echo "== each decoder"
score f1 "$gff" "${files[@]}" --errors
score f1 "$gff" "$out/genes.gff3" "${files[@]}" --json > "$out/scores.json"
echo "== longest-ORF baseline, best minimum length"
score baseline "$gff" "$fna" --genetic-code "$code" --errors -o "$out/baseline.gff3"
score baseline "$gff" "$fna" --genetic-code "$code" --json > "$out/baseline.json"
echo "== cost of each step"
cat "$out/costs.tsv"
echo "genes: $out/genes.gff3"
