package com.example.interop;

/** A business error that both sides know. */
public class ExchangeException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final int level;

  public ExchangeException(String message, int level) {
    super(message);
    this.level = level;
  }

  public int getLevel() {
    return level;
  }
}
