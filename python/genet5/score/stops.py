"""Whether an annotation counts stop codons as part of the CDS; files differ, and exact scores with them."""

import genet5.genome as genomes


def count(path, genome, genetic_code=1):
    """Look at the last codon of every gene's longest CDS and at the one behind it.

    path:         GFF3 or GTF
    genome:       path, FASTA
    genetic_code: int, NCBI table
    returns dict: genes (those on contigs of the genome), inside (their CDS ends with a stop codon), behind (it does
        not, and a stop codon follows)
    raises as the readers; ValueError for an unknown genetic code
    """

    letters = dict(genomes.read_fasta(genome))
    counts  = {"genes": 0, "inside": 0, "behind": 0}
    for gene in genomes.read_genes(path):
        sequence = letters.get(gene["contig"])
        if sequence is None:
            continue
        counts["genes"] += 1
        if is_stop(sequence, gene, 0, genetic_code):
            counts["inside"] += 1
        elif is_stop(sequence, gene, 3, genetic_code):
            counts["behind"] += 1
    return counts


def is_stop(sequence, gene, behind, genetic_code):
    """Whether the three bases that end `behind` bases after the CDS are a stop codon."""

    if gene["strand"] == "+":
        end   = gene["end"] + behind
        codon = sequence[max(end - 3, 0):end]
    else:
        start = gene["start"] - behind
        codon = genomes.reverse_complement(sequence[max(start, 0):start + 3]) if start >= 0 else b""
    return len(codon) == 3 and genomes.translate(codon, genetic_code) == "*"
