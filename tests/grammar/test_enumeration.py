"""The grammar lets through exactly the genes that an enumeration of all segments finds."""

import collections

import hypothesis
import hypothesis.strategies as st

import genet5.grammar as grammar

PIECES   = ["ATG", "TAA", "TGA", "TAG", "GT", "AG", "GT", "AG", "GC", "AT", "AC", "A", "C", "G", "T", "CAT", "TTA",
            "CTA", "TCA", "CT", "CTG", "TTG", "N"]
LETTERS  = st.lists(st.sampled_from(PIECES), max_size=30).map(lambda pieces: "".join(pieces)[:60])
SHORT    = st.integers(4, 7)
OPTIONS  = st.fixed_dictionaries({"genetic_code": st.sampled_from([1, 6, 12]), "table_starts": st.booleans(),
                                  "min_intron": SHORT, "max_intron": st.sampled_from([0, 0, 8, 20])})
SETTINGS = hypothesis.settings(deadline=None, max_examples=150, derandomize=True)


def replayed(letters, steps, options):
    """A window with these sites written."""

    window = grammar.WindowGrammar(letters.encode(), **options)
    for kind, position in steps:
        window.advance(kind, position)
    return window


def machine(letters, options):
    """Every beginning of one gene with the sites that may come next, and every gene."""

    following, genes, open_ends = {}, set(), [()]
    while open_ends:
        steps            = open_ends.pop()
        window           = replayed(letters, steps, options)
        if steps and steps[-1][0] == grammar.START:
            (strand, segments), = window.genes()
            genes.add((strand, tuple(segments)))
            continue
        types, positions = window.allowed()
        following[steps] = [site for site in zip(types.tolist(), positions.tolist()) if site[0] != grammar.EOS]
        assert len(types), f"dead end after {steps}"
        open_ends.extend((*steps, site) for site in following[steps])
    return following, genes


@SETTINGS
@hypothesis.given(LETTERS, OPTIONS)
def test_every_gene_and_nothing_else_can_be_written(reference, letters, options):
    expected = reference.all_genes(letters, **options)
    after    = collections.defaultdict(set, {(): set()})
    for gene in expected:
        steps = reference.sites(gene)
        for i, site in enumerate(steps):
            after[tuple(steps[:i])].add(site)
    following, genes = machine(letters, options)
    assert genes == expected
    assert following == {steps: sorted(sites) for steps, sites in after.items()}


@SETTINGS
@hypothesis.given(LETTERS, OPTIONS)
def test_the_minus_strand_is_the_mirror_image_of_the_plus_strand(reference, letters, options):
    _, genes   = machine(letters, options)
    _, reverse = machine(letters[::-1].translate(reference.OPPOSITE), options)
    other      = {"+": "-", "-": "+"}
    assert genes == {(other[strand], reference.mirror(segments, len(letters))) for strand, segments in reverse}
