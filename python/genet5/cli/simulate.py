"""`genet5 simulate`."""

import pathlib

import click


@click.command(epilog="Example: genet5 simulate raw/S.simulata --length 2000000 --contigs 5 --seed 1")
@click.argument("species_dir", type=click.Path(path_type=pathlib.Path, file_okay=False))
@click.option("--length", default=1_000_000, show_default=True, type=click.IntRange(min=10_000),
              help="Bases of the whole genome.")
@click.option("--contigs", default=4, show_default=True, type=click.IntRange(min=1),
              help="Number of contigs.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of the draw.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def simulate(species_dir, length, contigs, seed, force):
    """Write fna.gz and gff.gz of a random genome with realistic gene structure into SPECIES_DIR."""

    import genet5.simulate as library

    genes = library.species(species_dir, length=length, contigs=contigs, seed=seed, force=force)
    click.echo(f"{species_dir}: {length} bases on {contigs} contigs, {genes} genes")
