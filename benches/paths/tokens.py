"""BPE: encoding, training and expansion."""

import timing

LENGTHS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
# bases that the slow peers are given
SLICE   = 500_000


def encode(inputs):
    """Encoding at all lengths; the slowest length is the number of the row."""

    import tiktoken
    import tokenizers

    import genet5.tokenizer as tk

    ours, peer = tk.read(inputs.tokenizer), tokenizers.Tokenizer.from_file(str(inputs.tokenizer))
    text       = inputs.sequence[:LENGTHS[-1]]
    cut        = {length: pieces(text, length) for length in LENGTHS}
    timings    = {length: timing.call(lambda parts=parts: [ours.encode(part) for part in parts])
                  for length, parts in cut.items()}
    works      = {length: sum(map(len, parts)) / 1e6 for length, parts in cut.items()}
    speeds     = {length: works[length] / timings[length].cpu for length in LENGTHS}
    slowest    = min(speeds, key=speeds.get)
    short, part = [piece.decode() for piece in cut[1000][:SLICE // 1000]], text[:SLICE].decode()
    hf         = timing.call(lambda: [peer.encode(piece, add_special_tokens=False) for piece in short], times=1)
    hf_long    = timing.call(lambda: peer.encode(part, add_special_tokens=False), times=1)
    # ranks of our pieces in tiktoken's format; the whole text is one word
    ranks      = {bytes([byte]): 10_000 + byte for byte in range(256)}
    ranks     |= {ours.tokens()[id_].encode(): rank for rank, (id_, _) in enumerate(ours.token_lengths())}
    other      = tiktoken.Encoding("dna", pat_str=r"[\s\S]+", mergeable_ranks=ranks, special_tokens={})
    tiktokens  = timing.call(lambda: [other.encode_ordinary(piece) for piece in short], times=1)
    size       = SLICE / 1e6
    peers      = [("HF tokenizers, 1 kb", hf, size), ("HF tokenizers, 500 kb", hf_long, size),
                  ("tiktoken, 1 kb", tiktokens, size)]
    notes      = [", ".join(f"{length:,} bases {speed:.0f}" for length, speed in speeds.items()),
                  agreement(ours, peer, text)]
    return timing.Row("BPE encode, slowest of 1 kb to 10 Mb", 50, "MB/s", 1, timings[slowest], works[slowest], peers,
                      notes)


def agreement(ours, peer, text):
    """Says that ids and offsets are Hugging Face's, alone and in batches of any number of threads."""

    import genet5.data.batch as batches

    sample   = pieces(text, 5000)[:60]
    expected = [peer.encode(piece.decode(), add_special_tokens=False) for piece in sample]
    for piece, theirs in zip(sample, expected):
        ids, starts = ours.encode(piece)
        assert ids.tolist() == theirs.ids and starts.tolist() == [start for start, _ in theirs.offsets]
    for threads in (1, 2, 3, 8):
        batch = batches.assemble(sample, ours, row_tokens=5000, rows=[[i] for i in range(len(sample))], threads=threads)
        for row, theirs in zip(batch["tokens"], expected):
            assert row[:len(theirs.ids)].tolist() == theirs.ids
    return "ids and offsets equal to HF on 300 kb, on 1, 2, 3 and 8 threads"


def train(inputs):
    """20 Mb, 4,096 tokens, two threads; the peer gets a slice and the same pieces, and must agree on it."""

    import tokenizers

    import genet5.tokenizer as tk

    text   = inputs.sequence[:20_000_000]
    ours   = timing.call(lambda: tk.train([text], vocab_size=4096, threads=2), times=1)
    part   = text[:1_000_000]
    peer   = tokenizers.Tokenizer(tokenizers.models.BPE())
    # its limit on the length is exclusive
    most   = tokenizers.trainers.BpeTrainer(vocab_size=1000, show_progress=False, max_token_length=33)
    words  = [piece.decode() for piece in pieces(part, 1000)]
    theirs = timing.call(lambda: peer.train_from_iterator(words, most), times=1)
    same   = timing.call(lambda: tk.train([part], vocab_size=1000), times=1)
    # the peer's time on all of it, if it stayed that much slower
    scaled = timing.scaled(theirs, ours.cpu / same.cpu)._replace(wall=ours.wall * theirs.wall / same.wall)
    peers  = [("HF tokenizers, ratio of 1 Mb and 1,000 tokens", scaled, None)]
    notes  = [f"on 1 Mb and 1,000 tokens: ours {same.cpu:.2f} s, HF {theirs.cpu:.2f} s of CPU",
              merges_agree(tk.train([part], vocab_size=1000), peer)]
    return timing.Row("BPE train, 20 Mb, 4,096 tokens", 10, "s", 2, ours, None, peers, notes)


def merges_agree(ours, peer):
    """Says how many merges are the same in the same order."""

    import json

    def read(text):
        merges = json.loads(text)["model"]["merges"]
        return [tuple(merge.split()) if isinstance(merge, str) else tuple(merge) for merge in merges]

    mine, theirs = read(ours.json()), read(peer.to_str())
    count        = min(len(mine), len(theirs))
    assert mine[:count] == theirs[:count]
    return f"the same {count} merges as HF"


def expand(inputs):
    """4,096 more tokens from 12 Mb on top of the tokenizer, with all that is promised of them."""

    import genet5.tokenizer as tk

    base  = tk.read(inputs.tokenizer)
    text  = inputs.sequence[-12_000_000:]
    made  = []
    ours  = timing.call(lambda: made.append(tk.expand(base, [text], add=4096, threads=2)), times=1)
    old, new = base.tokens(), made[0].tokens()
    assert new[:len(old)] == old and len(new) == len(old) + 4096
    assert all(made[0].encode(new[id_].encode())[0].tolist() == [id_] for id_, _ in made[0].token_lengths())
    notes = ["old ids unchanged, every token encodes to itself"]
    return timing.Row("vocabulary expansion, 4,096 more from 12 Mb", 20, "s", 2, ours, None, [], notes)


def pieces(text, length):
    """The text in pieces of one length, at most 2 MB of them or one piece."""

    return [text[start:start + length] for start in range(0, max(length, min(len(text), 2_000_000)), length)]
