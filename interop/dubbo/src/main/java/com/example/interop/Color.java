package com.example.interop;

public enum Color {
  UNSPECIFIED,
  RED,
  GREEN
}
