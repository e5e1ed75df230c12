"""What each level of each preset counts; `genet5-score explain` and docs/scoring.md print these."""

# preset -> where it comes from
PRESETS = {
    "genet5":          "exact coding coordinates, strand in every key, phases and UTRs ignored; longest CDS per gene",
    "cie":             "compare_intervals_exact.pl of BRAKER (v11_2023): exact keys with phase; all isoforms",
    "cie-no-phase":    "compare_intervals_exact.pl --no_phase: exact keys without phase; all isoforms",
    "gffcompare":      "gffcompare 0.12.10: exon and CDS rows, loci, free outer ends by default; all isoforms",
    "gffcompare-cds3": "gffcompare 0.12.10 on CDS rows with --strict-match -e 3, as BRAKER4 calls it; all isoforms",
    "gt-eval":         "GenomeTools 1.6.2 gt eval, its gene level corrected; all isoforms",
}

GENET5 = {
    "nucleotide":   "Bases inside a CDS segment of a chosen transcript, each once per strand; found where the other "
                    "side has the same base on the same strand.",
    "exon":         "Different CDS segments (contig, strand, start, end); both ends must be equal.",
    "intron":       "Different gaps of at least one base between neighbouring CDS segments of a transcript (contig, "
                    "strand, start, end); introns of UTRs do not count.",
    "intron_chain": "Different ordered lists of all introns of a transcript with at least one; the outer ends are "
                    "free.",
    "start":        "Different 5' ends of a CDS (contig, strand, first base in reading direction).",
    "stop":         "Different 3' ends of a CDS (contig, strand, last base in reading direction, the stop codon "
                    "included).",
    "transcript":   "Different CDS chains (contig, strand, all segments); every end of every segment must be equal.",
    "gene":         "Genes, those with the same set of CDS chains once; found if at least one chosen transcript has "
                    "the CDS chain of a chosen transcript of the other side. With --isoforms longest this is the "
                    "exact CDS chain of the longest CDS.",
}

CIE = {
    "exon":       "Different CDS rows (sequence, start, end, strand, phase); all five must be equal.",
    "intron":     "Different intron rows (sequence, start, end, strand, phase column).",
    "start":      "Different start_codon rows (sequence, start, end, strand, phase column).",
    "stop":       "Different stop_codon rows (sequence, start, end, strand, phase column).",
    "transcript": "Different sets of CDS keys of a transcript; equal sets count once, also across genes.",
    "gene":       "Genes that own a set of CDS keys, each set owned by the gene of its alphabetically first "
                  "transcript; found if one of its sets is in the other file; a predicted gene with a matching set "
                  "takes the name of the reference gene, so that two predicted genes on one reference gene count "
                  "once.",
}

GFFCOMPARE = {
    "nucleotide":   "Bases of the merged exons (exon rows and CDS rows outside them) of all loci of a strand; found "
                    "by overlap.",
    "exon":         "Different exons of a locus; inner ends equal, and ends that are the outer ends of a transcript "
                    "on both sides within -e (100) bases; each side's matches are counted apart.",
    "intron":       "Different introns of a locus, both ends equal; neighbours up to 4 bases apart are one exon "
                    "unless --no-merge.",
    "intron_chain": "Transcripts of at least two exons whose introns are all equal, outer ends free; one count of "
                    "matches for both sides, which can pass 100 % with --strict-match.",
    "transcript":   "Transcripts with equal introns, outer ends free; of one exon: overlap of at least 80 % of the "
                    "longer one (or 80 % of the reference and 70 % of a longer query); with --strict-match both outer "
                    "ends within -e; each side's matches are counted apart.",
    "gene":         "Loci: transcripts of a strand with overlapping exons, whatever their gene_id; found if one of "
                    "its transcripts matches; each side's matches are counted apart.",
}

GFFCOMPARE_CDS3 = {
    "nucleotide":   "Bases of the merged CDS rows of all loci of a strand; found by overlap.",
    "exon":         "Different CDS rows of a locus, touching ones merged; inner ends equal, outer ends of transcripts "
                    "within 3 bases, so that a stop codon left out of the CDS costs nothing.",
    "intron":       "Different gaps of at least 5 bases between CDS rows of a transcript, both ends equal.",
    "intron_chain": "Transcripts of at least two CDS rows whose introns are all equal, outer ends free; one count of "
                    "matches for both sides, which can pass 100 %.",
    "transcript":   "Transcripts with equal introns and both outer ends within 3 bases; each side's matches are "
                    "counted apart.",
    "gene":         "Loci: transcripts of a strand with overlapping CDS rows, whatever their gene_id; found if one of "
                    "its transcripts matches; each side's matches are counted apart.",
}

GT_EVAL = {
    "nucleotide": "Bases inside CDS rows, each once per strand.",
    "exon":       "CDS rows (range, strand) of mRNAs, isoforms' copies counted up to the number of copies in the "
                  "reference.",
    "transcript": "mRNAs of the same range (UTRs included) whose CDS rows are all equal; each reference mRNA is used "
                  "once.",
    "gene":       "Genes of the same range with the same number of mRNAs, which are pairwise equal; the tool itself "
                  "also counts every gene of equal range whose number of mRNAs differs, as --as-original does.",
}


def without_phase(text):
    """A definition of compare_intervals_exact.pl without the phase."""

    return text.replace(", phase column)", ")").replace(", strand, phase); all five", ", strand); all four")


# preset -> level -> definition
DEFINITIONS = {
    "genet5":          GENET5,
    "cie":             CIE,
    "cie-no-phase":    {level: without_phase(text) for level, text in CIE.items()},
    "gffcompare":      GFFCOMPARE,
    "gffcompare-cds3": GFFCOMPARE_CDS3,
    "gt-eval":         GT_EVAL,
}


def explain(level, preset="genet5"):
    """The definition of a level of a preset.

    Raises ValueError for an unknown preset or a level that the preset's tool does not report.
    """

    if preset not in DEFINITIONS:
        raise ValueError(f"there is no preset '{preset}'; there are {', '.join(DEFINITIONS)}")
    if level not in DEFINITIONS[preset]:
        raise ValueError(f"preset {preset} has no level '{level}'; it has {', '.join(DEFINITIONS[preset])}")
    return DEFINITIONS[preset][level]
