//! A slip as a page for a phone: semantic HTML with its own style sheet, no script, nothing from elsewhere. Every language is in it;
//! who reads it switches without script, and who has no style sheet sees all. It can be printed.

use std::fmt::Write as _;

use super::{Align, Document, Line, Logo, Size};
use crate::crypto::base64;
use crate::wording::Language;

/// A slip in one language, with what is to be said above it.
pub struct Article<'a> {
    /// In which language it is.
    pub language: Language,
    /// What is said above it: how the payment stands now.
    pub notices: &'a [String],
    /// The slip.
    pub document: &'a Document,
}

/// What a page may do: show itself.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'none'";

const STYLE: &str = "
:root{color-scheme:light dark;--paper:#fff;--ink:#15191d;--soft:#5c6570;--line:#c9c6bd;--ground:#ece9e2;--wash:#fff1d6}
@media (prefers-color-scheme:dark){:root{--paper:#1a2025;--ink:#f2f4f5;--soft:#9aa5af;--line:#3a444d;--ground:#0f1316;--wash:#33280f}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'PingFang SC','Noto Sans CJK SC','Microsoft YaHei',sans-serif}
.choose{position:absolute;opacity:0}
nav{display:flex;justify-content:center;gap:.5rem;padding:.75rem}
nav label{min-height:44px;min-width:6rem;display:flex;align-items:center;justify-content:center;border:1px solid var(--line);border-radius:22px;background:var(--paper);cursor:pointer}
#zh:checked~nav label[for=zh],#en:checked~nav label[for=en]{background:var(--ink);color:var(--paper)}
#zh:focus-visible~nav label[for=zh],#en:focus-visible~nav label[for=en]{outline:3px solid #0b6e55}
#zh:checked~main [lang=en],#en:checked~main [lang=zh-CN]{display:none}
article{max-width:26rem;margin:0 auto 2rem;padding:1.25rem;background:var(--paper);border-radius:12px}
.logo{display:block;margin:0 auto .5rem;max-width:100%;height:auto;background:#fff;image-rendering:pixelated}
.notice{margin:0 0 1rem;padding:.75rem;border-radius:8px;background:var(--wash);font-weight:700}
h1{font-size:1.5rem;line-height:1.2;margin:.25rem 0;text-align:center}
p{margin:.15rem 0;overflow-wrap:anywhere}
dl{margin:0}
dl div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem}
dt{color:var(--soft)}
dd{margin:0 0 0 auto;text-align:right;overflow-wrap:anywhere}
hr{border:0;border-top:1px dashed var(--line);margin:.6rem 0}
hr+hr{display:none}
.centre{text-align:center}.right{text-align:right}.bold,.bold dt,.bold dd{font-weight:700;color:var(--ink)}
.tall{font-size:1.2rem}.double{font-size:1.7rem;line-height:1.25}
@media print{nav{display:none}body{background:#fff;color:#000}article{margin:0;padding:0;max-width:none;border-radius:0}:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#333;--line:#999;--wash:#fff}}
";

/// A page with a slip in every language, that of `first` in sight.
pub fn page(title: &str, first: Language, articles: &[Article<'_>]) -> String {
    let mut html = String::new();
    let checked = |language| if language == first { " checked" } else { "" };
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <input class=\"choose\" type=\"radio\" name=\"language\" id=\"zh\" aria-label=\"中文\"{}>\n\
         <input class=\"choose\" type=\"radio\" name=\"language\" id=\"en\" aria-label=\"English\"{}>\n\
         <nav><label for=\"zh\" lang=\"zh-CN\">中文</label><label for=\"en\" lang=\"en\">English</label></nav>\n<main>\n",
        tag(first),
        escape(title),
        checked(Language::Chinese),
        checked(Language::English),
    );
    for article in articles {
        let _ = writeln!(html, "<article lang=\"{}\">", tag(article.language));
        for notice in article.notices {
            let _ = writeln!(html, "<p class=\"notice\">{}</p>", escape(notice));
        }
        body(&mut html, article.document);
        html.push_str("</article>\n");
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

/// A document by itself, line by line.
fn body(html: &mut String, document: &Document) {
    let mut in_list = false;
    for line in &document.lines {
        let is_pair = matches!(line, Line::Pair { .. });
        if is_pair != in_list {
            html.push_str(if is_pair { "<dl>\n" } else { "</dl>\n" });
            in_list = is_pair;
        }
        // A text in memory is always written.
        let _ = match line {
            Line::Pair { left, right, bold } => {
                let class = if *bold { " class=\"bold\"" } else { "" };
                writeln!(html, "<div{class}><dt>{}</dt><dd>{}</dd></div>", escape(left), escape(right))
            }
            Line::Text { text, align: Align::Centre, size: Size::Double, .. } => {
                writeln!(html, "<h1>{}</h1>", escape(text))
            }
            Line::Text { text, align, size, bold } => {
                writeln!(html, "<p{}>{}</p>", classes(*align, *size, *bold), escape(text))
            }
            Line::Rule => writeln!(html, "<hr>"),
            Line::Logo(dots) | Line::Signature(dots) => writeln!(html, "{}", picture(dots)),
            // Who reads the page has come by the code.
            Line::Qr(_) | Line::Feed(_) => Ok(()),
        };
    }
    if in_list {
        html.push_str("</dl>\n");
    }
}

fn classes(align: Align, size: Size, bold: bool) -> String {
    let align = match align {
        Align::Left => None,
        Align::Centre => Some("centre"),
        Align::Right => Some("right"),
    };
    let size = match size {
        Size::Normal => None,
        Size::Tall => Some("tall"),
        Size::Double => Some("double"),
    };
    let classes: Vec<_> = [align, size, bold.then_some("bold")].into_iter().flatten().collect();
    if classes.is_empty() { String::new() } else { format!(" class=\"{}\"", classes.join(" ")) }
}

/// The shop's picture within the page: nothing is fetched for it.
fn picture(logo: &Logo) -> String {
    let (width, height) = (logo.width(), logo.height());
    match logo.png() {
        Ok(png) => format!(
            "<img class=\"logo\" alt=\"\" width=\"{width}\" height=\"{height}\" src=\"data:image/png;base64,{}\">",
            base64::encode(&png)
        ),
        // Written into memory, of a size that every picture may have.
        Err(_) => String::new(),
    }
}

const fn tag(language: Language) -> &'static str {
    match language {
        Language::Chinese => "zh-CN",
        Language::English => "en",
    }
}

/// A text as it stands between tags and in attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::{long_slip, slip};
    use crate::receipt::{Charset, CopyFor, SaleSlip};

    fn page_of(slip: &SaleSlip) -> String {
        let [zh, en] = [Language::Chinese, Language::English]
            .map(|language| Document::of_sale(slip, CopyFor::Customer, language, Charset::Unicode));
        let notices = ["已退款 & \"refunded\"".to_owned()];
        let articles = [
            Article { language: Language::Chinese, notices: &notices, document: &zh },
            Article { language: Language::English, notices: &[], document: &en },
        ];
        page("电子签购单 E-receipt", Language::English, &articles)
    }

    #[test]
    fn a_page_says_all_that_the_slip_says_in_both_languages() {
        let html = page_of(&slip());
        for wanted in [
            "<html lang=\"en\">",
            "<article lang=\"zh-CN\">",
            "<article lang=\"en\">",
            "<h1>测试 TEST 无效</h1>",
            "<dt>商户名称</dt><dd>老王小吃店</dd>",
            "<dt>Merchant</dt><dd>老王小吃店</dd>",
            "RMB ￥12.34",
            "已退款 &amp; &quot;refunded&quot;",
            "id=\"en\" aria-label=\"English\" checked",
        ] {
            assert!(html.contains(wanted), "{wanted}\n{html}");
        }
        assert_eq!(html.matches("<dl>").count(), html.matches("</dl>").count());
        assert_eq!(html.matches("<article").count(), 2);
        let long = page_of(&long_slip());
        assert!(long_slip().goods.iter().all(|good| long.contains(&escape(good.name.as_str()))));
    }

    #[test]
    fn nothing_that_a_shop_or_a_bank_calls_itself_becomes_markup() {
        let name = "<script>alert('1')</script> & \"more\"";
        let html = page_of(&SaleSlip { merchant_name: name.into(), bank: Some("<b>".into()), ..slip() });
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;more&quot;"));
    }

    #[test]
    fn a_page_asks_nobody_for_anything() {
        let html = page_of(&SaleSlip {
            link: Some(("https://r.example.cn/R/1".into(), "2026-09-01".parse().unwrap())),
            ..slip()
        });
        for outside in ["http:", "https:", "//", "url(", "@import", "src=", "href=", "<script", "onload"] {
            assert!(!html.contains(outside), "{outside}");
        }
    }
}
