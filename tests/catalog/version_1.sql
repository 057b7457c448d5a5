CREATE TABLE records (
    id INTEGER PRIMARY KEY, subject TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, document TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE keys (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE terms (
    id INTEGER PRIMARY KEY, key INTEGER NOT NULL REFERENCES keys, value TEXT NOT NULL, UNIQUE (key, value)
);
CREATE TABLE has_term (
    term INTEGER NOT NULL REFERENCES terms, record INTEGER NOT NULL REFERENCES records, PRIMARY KEY (term, record)
) WITHOUT ROWID;
CREATE TABLE has_number (
    key INTEGER NOT NULL REFERENCES keys, value REAL NOT NULL, record INTEGER NOT NULL REFERENCES records,
    PRIMARY KEY (key, value, record)
) WITHOUT ROWID;
CREATE INDEX term_of ON has_term (record);
CREATE INDEX number_of ON has_number (record, key);
CREATE VIRTUAL TABLE texts USING fts5 (
    body, content='records', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
CREATE TRIGGER text_added AFTER INSERT ON records BEGIN
    INSERT INTO texts (rowid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER text_removed AFTER DELETE ON records BEGIN
    INSERT INTO texts (texts, rowid, body) VALUES ('delete', old.id, old.body);
END;
