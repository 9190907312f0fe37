// The C++ peer of the echo benchmark: grpc++'s asynchronous server with one completion queue and one thread, which is
// the fastest way to use it on one core. Prints "listening on PORT" once it is ready.

#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "echo.grpc.pb.h"

namespace {

constexpr int kMessageBytesMax = 64 << 20;
// Calls that wait for a request at the same time. Each call that starts asks for the next.
constexpr int kCallsWaiting = 256;

class Call {
   public:
    Call(bench::Echo::AsyncService* service, grpc::ServerCompletionQueue* queue)
        : service_(service), queue_(queue), responder_(&context_) {
        service_->RequestUnary(&context_, &message_, &responder_, queue_, queue_, this);
    }

    // Takes the call one step on. `ok` is false when the server shuts down or the client went away.
    void Proceed(bool ok) {
        if (answered_ || !ok) {
            delete this;
            return;
        }
        new Call(service_, queue_);
        answered_ = true;
        responder_.Finish(message_, grpc::Status::OK, this);
    }

   private:
    bench::Echo::AsyncService* service_;
    grpc::ServerCompletionQueue* queue_;
    grpc::ServerContext context_;
    bench::EchoMessage message_;
    grpc::ServerAsyncResponseWriter<bench::EchoMessage> responder_;
    bool answered_ = false;
};

std::string ReadFile(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        std::cerr << "cannot read " << path << "\n";
        std::exit(2);
    }
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

int main(int count, char** arguments) {
    std::string port = "0", certificate, key;
    bool use_tls = false;
    for (int index = 1; index < count; ++index) {
        const std::string name = arguments[index];
        if (name == "--use_tls") {
            use_tls = true;
        } else if (index + 1 < count && name == "--port") {
            port = arguments[++index];
        } else if (index + 1 < count && name == "--tls_cert_file") {
            certificate = arguments[++index];
        } else if (index + 1 < count && name == "--tls_key_file") {
            key = arguments[++index];
        } else {
            std::cerr << "usage: grpcpp_server --port N [--use_tls --tls_cert_file F --tls_key_file F]\n";
            return 2;
        }
    }

    std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
    if (use_tls) {
        grpc::SslServerCredentialsOptions options;
        options.pem_key_cert_pairs.push_back({ReadFile(key), ReadFile(certificate)});
        credentials = grpc::SslServerCredentials(options);
    }

    bench::Echo::AsyncService service;
    grpc::ServerBuilder builder;
    int bound = 0;
    builder.AddListeningPort("127.0.0.1:" + port, credentials, &bound);
    builder.SetMaxReceiveMessageSize(kMessageBytesMax);
    builder.SetMaxSendMessageSize(kMessageBytesMax);
    builder.RegisterService(&service);
    std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server) {
        std::cerr << "cannot listen on port " << port << "\n";
        return 1;
    }
    for (int waiting = 0; waiting < kCallsWaiting; ++waiting) new Call(&service, queue.get());
    std::cout << "listening on " << bound << std::endl;

    void* tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) static_cast<Call*>(tag)->Proceed(ok);
    return 0;
}
