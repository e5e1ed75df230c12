//! The layout of `tokenizer.json`: checks at load, and new files.

use rustc_hash::FxHashMap;
use serde_json::{json, Map, Value};

use super::encode::code;
use super::merges::{Merges, LETTERS, MAX_RANKS};
use super::{Tokenizer, GENE_LANGUAGE, PAD};

/// What is wrong with the file.
type Checked<T> = std::result::Result<T, String>;

/// The tokenizer that a parsed `tokenizer.json` describes, after all checks.
pub(super) fn build(value: Value) -> Checked<Tokenizer> {
    let model =
        value.get("model").and_then(Value::as_object).ok_or("no tokenizer.json: there is no \"model\"")?;
    check_settings(&value, model)?;
    let mut ids = vocabulary(model)?;
    let special = added(&value, &mut ids)?;
    let tokens = by_id(&ids)?;
    let (ranks, rank_ids) = ranked(&value, &ids)?;
    let merges = Merges::new(&ranks).map_err(|rank| {
        let token = &tokens[rank_ids[usize::from(rank)] as usize];
        format!("token {token:?} can never be made: its text encodes to other tokens")
    })?;
    check_reachable(&tokens, &special, &rank_ids)?;
    let unk = model.get("unk_token").and_then(Value::as_str).ok_or("model.unk_token is missing")?;
    let unk_id =
        *ids.get(unk).ok_or_else(|| format!("the unknown token {unk:?} is not in the vocabulary"))?;
    let pad_id = PAD.iter().find_map(|name| ids.get(*name)).copied().unwrap_or(unk_id);
    let mut letter_ids = [unk_id; 128];
    for (letter, slot) in (0u8..).zip(&mut letter_ids) {
        *slot = ids.get(char::from(letter).encode_utf8(&mut [0; 4]) as &str).copied().unwrap_or(unk_id);
    }
    Ok(Tokenizer { value, tokens, ids, special, merges, rank_ids, letter_ids, unk_id, pad_id })
}

/// The merges as pairs of texts, from either of the two layouts.
pub(super) fn merges_of(value: &Value) -> Checked<Vec<[String; 2]>> {
    let list = value["model"]["merges"].as_array().ok_or("model.merges is not a list")?;
    let pair = |(index, merge): (usize, &Value)| {
        let parts: Option<(&str, &str)> = match merge {
            Value::String(text) => text.split_once(' '),
            Value::Array(parts) if parts.len() == 2 => parts[0].as_str().zip(parts[1].as_str()),
            _ => None,
        };
        parts
            .map(|(left, right)| [left.to_string(), right.to_string()])
            .ok_or_else(|| format!("merge {} is not a pair of tokens: {merge}", index + 1))
    };
    list.iter().enumerate().map(pair).collect()
}

/// `value` with `names` as further special tokens; those not in the vocabulary get the next ids.
pub(super) fn with_special(value: &Value, tokens: &[String], names: &[&str]) -> Value {
    let mut value = value.clone();
    let mut next = tokens.len();
    for name in names {
        let id = tokens.iter().position(|token| token == name).unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        value["model"]["vocab"][*name] = json!(id);
        let entry = special_token(id, name);
        match value["added_tokens"].as_array_mut() {
            Some(list) => list.push(entry),
            None => value["added_tokens"] = json!([entry]),
        }
    }
    value
}

/// `value` with further merges at the end; what they make gets the next ids, from `next` on.
pub(super) fn with_merges(value: &Value, next: usize, merges: &[[String; 2]]) -> Value {
    let mut value = value.clone();
    let as_text = value["model"]["merges"].get(0).is_none_or(Value::is_string);
    for (id, [left, right]) in (next..).zip(merges) {
        value["model"]["vocab"][format!("{left}{right}")] = json!(id);
        let merge = if as_text { json!(format!("{left} {right}")) } else { json!([left, right]) };
        if let Some(list) = value["model"]["merges"].as_array_mut() {
            list.push(merge);
        }
    }
    value
}

/// A new file: `[UNK]`, `[PAD]`, the letters, what the merges make, the gene language.
pub(super) fn new_file(merges: &[[String; 2]]) -> Value {
    let letters = ["A", "C", "G", "T"].map(String::from);
    let made = merges.iter().map(|[left, right]| format!("{left}{right}"));
    let first = ["[UNK]".to_string(), PAD[0].to_string()];
    let last = GENE_LANGUAGE.map(String::from);
    let tokens: Vec<String> = first.into_iter().chain(letters).chain(made).chain(last).collect();
    let special = |(id, token): (usize, &String)| {
        let plain = token.bytes().all(|letter| usize::from(code(letter)) < LETTERS);
        (!plain).then(|| special_token(id, token))
    };
    json!({
        "version":        "1.0",
        "truncation":     null,
        "padding":        null,
        "added_tokens":   tokens.iter().enumerate().filter_map(special).collect::<Vec<_>>(),
        "normalizer":     null,
        "pre_tokenizer":  {"type": "Whitespace"},
        "post_processor": null,
        "decoder":        null,
        "model": {
            "type":                      "BPE",
            "dropout":                   null,
            "unk_token":                 "[UNK]",
            "continuing_subword_prefix": null,
            "end_of_word_suffix":        null,
            "fuse_unk":                  false,
            "byte_fallback":             false,
            "vocab":  tokens.iter().cloned().enumerate().map(|(id, t)| (t, json!(id))).collect::<Map<_, _>>(),
            "merges": merges.iter().map(|[left, right]| format!("{left} {right}")).collect::<Vec<_>>(),
        },
    })
}

fn special_token(id: usize, name: &str) -> Value {
    json!({
        "id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true,
    })
}

// settings under which Hugging Face tokenizers would give other ids than we do
fn check_settings(value: &Value, model: &Map<String, Value>) -> Checked<()> {
    if model.get("type").is_some_and(|kind| kind != "BPE") {
        return Err(format!("the model is {}, not BPE", model["type"]));
    }
    for name in ["dropout", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback"] {
        let off = match model.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::Bool(on)) => !on,
            Some(Value::String(text)) => text.is_empty(),
            Some(other) => other.as_f64() == Some(0.0),
        };
        if !off {
            return Err(format!("model.{name} = {} is not supported; it must be off", model[name]));
        }
    }
    for (name, known) in
        [("normalizer", &["Uppercase"][..]), ("pre_tokenizer", &["Whitespace", "WhitespaceSplit"])]
    {
        let kind = value.get(name).filter(|part| !part.is_null()).map(|part| &part["type"]);
        if let Some(kind) = kind.filter(|kind| !kind.as_str().is_some_and(|kind| known.contains(&kind))) {
            return Err(format!(
                "{name} {kind} is not supported for DNA; it must be null or {}",
                known.join(" or ")
            ));
        }
    }
    Ok(())
}

fn vocabulary(model: &Map<String, Value>) -> Checked<FxHashMap<String, u32>> {
    let vocab = model.get("vocab").and_then(Value::as_object).ok_or("model.vocab is not a table of ids")?;
    let entry = |(token, id): (&String, &Value)| {
        let number = id.as_u64().and_then(|id| u32::try_from(id).ok());
        number.map(|id| (token.clone(), id)).ok_or_else(|| format!("the id of token {token:?} is {id}"))
    };
    vocab.iter().map(entry).collect()
}

// ids of the added tokens, which are put into `ids` too
fn added(value: &Value, ids: &mut FxHashMap<String, u32>) -> Checked<Vec<u32>> {
    let mut special = Vec::new();
    let list = value.get("added_tokens").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for entry in list {
        let content = entry["content"].as_str().unwrap_or_default();
        let id = entry["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        let Some(id) = id.filter(|_| !content.is_empty()) else {
            return Err(format!("added token {entry} needs an id and a content"));
        };
        if content.bytes().all(|letter| letter.is_ascii_uppercase()) && is_sequence(content) {
            return Err(format!("added token {content:?} is DNA; tokens of DNA must come from merges"));
        }
        if *ids.entry(content.to_string()).or_insert(id) != id {
            return Err(format!("added token {content:?} has another id in the vocabulary"));
        }
        special.push(id);
    }
    special.sort_unstable();
    special.dedup();
    Ok(special)
}

// a text that could stand in a sequence; one letter other than A, C, G, T is only that letter's id
fn is_sequence(text: &str) -> bool {
    text.len() > 1 || text.bytes().all(|letter| usize::from(code(letter)) < LETTERS)
}

fn by_id(ids: &FxHashMap<String, u32>) -> Checked<Vec<String>> {
    let mut tokens = vec![None; ids.len()];
    for (token, &id) in ids {
        match tokens.get_mut(id as usize) {
            Some(slot @ None) => *slot = Some(token.clone()),
            Some(Some(other)) => {
                return Err(format!("tokens {:?} and {:?} share id {id}", token.min(other), token.max(other)))
            }
            None => {
                return Err(format!("the ids have holes: {} tokens, but {token:?} has id {id}", ids.len()))
            }
        }
    }
    Ok(tokens.into_iter().flatten().collect())
}

/// Merges as pairs of ranks, and the id of each rank.
type Ranked = (Vec<(u16, u16)>, Vec<u32>);

fn ranked(value: &Value, ids: &FxHashMap<String, u32>) -> Checked<Ranked> {
    let merges = merges_of(value)?;
    if LETTERS + merges.len() > MAX_RANKS {
        return Err(format!("{} merges are too many; the most is {}", merges.len(), MAX_RANKS - LETTERS));
    }
    let mut ranks: FxHashMap<String, u16> = FxHashMap::default();
    let mut rank_ids = Vec::with_capacity(LETTERS + merges.len());
    for letter in ["A", "C", "G", "T"] {
        let id = ids.get(letter).ok_or_else(|| format!("the base {letter:?} is not in the vocabulary"))?;
        ranks.insert(letter.to_string(), rank_ids.len() as u16);
        rank_ids.push(*id);
    }
    let mut pairs = Vec::with_capacity(merges.len());
    for (index, [left, right]) in merges.iter().enumerate() {
        let place = || format!("merge {} ({left} {right})", index + 1);
        let rank = |part: &String| {
            let missing = if ids.contains_key(part) {
                "is made only later or by no merge"
            } else {
                "is not in the vocabulary"
            };
            ranks.get(part).copied().ok_or_else(|| format!("{}: {part:?} {missing}", place()))
        };
        let pair = (rank(left)?, rank(right)?);
        let product = format!("{left}{right}");
        let id =
            ids.get(&product).ok_or_else(|| format!("{}: {product:?} is not in the vocabulary", place()))?;
        if ranks.insert(product, rank_ids.len() as u16).is_some() {
            return Err(format!("{}: an earlier merge makes the same token", place()));
        }
        rank_ids.push(*id);
        pairs.push(pair);
    }
    Ok((pairs, rank_ids))
}

// every token is a letter, made by a merge, or special
fn check_reachable(tokens: &[String], special: &[u32], rank_ids: &[u32]) -> Checked<()> {
    let mut known = vec![false; tokens.len()];
    for &id in special.iter().chain(rank_ids) {
        known[id as usize] = true;
    }
    match tokens.iter().zip(known).find(|(token, known)| !known && token.chars().count() > 1) {
        Some((token, _)) => Err(format!("token {token:?} is neither made by a merge nor in added_tokens")),
        None => Ok(()),
    }
}
