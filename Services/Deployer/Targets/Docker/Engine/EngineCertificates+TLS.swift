internal import HTTP

extension EngineCertificates {
    var configuration: TLSConfiguration {
        var configuration = TLSConfiguration()
        configuration.protocols = ["http/1.1"]
        if !authorities.isEmpty { configuration.authorityText = authorities }
        if !certificate.isEmpty {
            configuration.certificateText = certificate
            configuration.keyText = key
        }
        return configuration
    }
}
