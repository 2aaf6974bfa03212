//! Decodes lines of messages and encodes them again.
mod vcsp;

fn main() {
    for line in std::io::stdin().lines() {
        let messages: vcsp::VcspMessages = serde_json::from_str(&line.unwrap()).unwrap();
        println!("{}", serde_json::to_string(&messages).unwrap());
    }
}
