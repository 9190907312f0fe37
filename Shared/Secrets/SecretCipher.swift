internal import COpenSSL

/// AES-256-GCM: what comes out can be neither read nor changed nor put elsewhere without the key.
enum SecretCipher {
    static let nonceCount = 12
    static let tagCount = 16

    /// From the kernel's generator.
    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in generator.next() }
    }

    /// - Returns: the encrypted bytes with the tag behind them; nil where the library fails.
    static func seal(_ plain: [UInt8], _ key: SecretKey, nonce: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard nonce.count == nonceCount, let cipher = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(cipher) }
        var output = [UInt8](repeating: 0, count: plain.count + tagCount)
        var tag = [UInt8](repeating: 0, count: tagCount)
        var count: Int32 = 0
        guard EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key.bytes, nonce) == 1,
            EVP_EncryptUpdate(cipher, nil, &count, context, Int32(context.count)) == 1,
            EVP_EncryptUpdate(cipher, &output, &count, plain, Int32(plain.count)) == 1, Int(count) == plain.count,
            EVP_EncryptFinal_ex(cipher, &tag, &count) == 1, count == 0,
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(tagCount), &tag) == 1
        else { return nil }
        output.replaceSubrange(plain.count..., with: tag)
        return output
    }

    /// - Returns: nil where the key, the nonce, the context or a single bit is another one.
    static func open(_ sealed: [UInt8], _ key: SecretKey, nonce: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard nonce.count == nonceCount, sealed.count >= tagCount, let cipher = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(cipher) }
        let body = Array(sealed.dropLast(tagCount))
        var tag = Array(sealed.suffix(tagCount))
        var output = [UInt8](repeating: 0, count: body.count + tagCount)
        var count: Int32 = 0
        var rest: Int32 = 0
        guard EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key.bytes, nonce) == 1,
            EVP_DecryptUpdate(cipher, nil, &count, context, Int32(context.count)) == 1,
            EVP_DecryptUpdate(cipher, &output, &count, body, Int32(body.count)) == 1, Int(count) == body.count,
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(tagCount), &tag) == 1,
            EVP_DecryptFinal_ex(cipher, &tag, &rest) == 1
        else {
            // Nothing of what can't be trusted stays in the library's queue of errors either.
            ERR_clear_error()
            return nil
        }
        return Array(output.prefix(body.count))
    }
}
